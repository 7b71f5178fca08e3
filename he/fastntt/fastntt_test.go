package fastntt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/bgv"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

func literal(logN int) rlwe.ParametersLiteral {
	return rlwe.ParametersLiteral{LogN: logN, LogQ: []int{55, 45, 45, 51, 30}, LogP: []int{49, 55, 49}, NTTFlag: true}
}

func parameters(t testing.TB, logN int) rlwe.Parameters {
	t.Helper()
	p, err := rlwe.NewParametersFromLiteral(literal(logN))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestValuesAreLattigos(t *testing.T) {
	cputest.Need(t, cpu.AVX2)
	r := rand.New(rand.NewPCG(1, 0))
	for _, logN := range []int{8, 10, 13, 14} {
		fast, slow := parameters(t, logN), parameters(t, logN)
		n, err := Install(fast)
		if err != nil || n != 5 {
			t.Fatalf("replaced %d transforms, want 5: %v", n, err)
		}
		for _, rings := range [][2]*ring.Ring{{fast.RingQ(), slow.RingQ()}, {fast.RingP(), slow.RingP()}} {
			for i, s := range rings[0].SubRings {
				twin := rings[1].SubRings[i]
				x := make([]uint64, s.N)
				for k := range x {
					x[k] = r.Uint64N(s.Modulus)
				}
				for name, f := range map[string][2]func(a, b []uint64){"NTT": {s.NTT, twin.NTT}, "INTT": {s.INTT, twin.INTT}} {
					got, want := make([]uint64, s.N), make([]uint64, s.N)
					f[0](x, got)
					f[1](x, want)
					if !slices.Equal(got, want) {
						t.Errorf("N 2^%d, prime %d: %s differs", logN, s.Modulus, name)
					}
				}
				// Lazy operations leave words that are not reduced.
				lazy := slices.Clone(x)
				for k := range lazy {
					lazy[k] += uint64(r.IntN(7)) * s.Modulus
				}
				got, want := make([]uint64, s.N), make([]uint64, s.N)
				if replaced := rings[0] == fast.RingP() || i > 0; replaced && Serves(s) {
					s.NTTLazy(lazy, got)
					twin.NTT(x, want)
					if !slices.Equal(got, want) {
						t.Errorf("N 2^%d, prime %d: NTTLazy of words past the modulus differs", logN, s.Modulus)
					}
				}
			}
		}
	}
}

// TestInsecureBGVIsRight multiplies, relinearises, rescales, rotates and
// decrypts with replaced transforms.
func TestInsecureBGVIsRight(t *testing.T) {
	params, err := bgv.NewParametersFromLiteral(bgv.ParametersLiteral{LogN: 10, LogQ: []int{55, 45, 45, 45}, LogP: []int{49, 49}, PlaintextModulus: 65537})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Install(params); err != nil {
		t.Fatal(err)
	}
	keys := rlwe.NewKeyGenerator(params)
	secret := keys.GenSecretKeyNew()
	galois := params.GaloisElement(3)
	evaluator := bgv.NewEvaluator(params, rlwe.NewMemEvaluationKeySet(keys.GenRelinearizationKeyNew(secret), keys.GenGaloisKeyNew(galois, secret)))
	encoder := bgv.NewEncoder(params)
	r := rand.New(rand.NewPCG(2, 0))
	x := make([]uint64, params.MaxSlots())
	for i := range x {
		x[i] = r.Uint64N(65537)
	}
	plain := bgv.NewPlaintext(params, params.MaxLevel())
	if err := encoder.Encode(x, plain); err != nil {
		t.Fatal(err)
	}
	ct, err := rlwe.NewEncryptor(params, secret).EncryptNew(plain)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if ct, err = evaluator.MulRelinNew(ct, ct); err != nil {
			t.Fatal(err)
		}
		if err := evaluator.Rescale(ct, ct); err != nil {
			t.Fatal(err)
		}
	}
	if ct, err = evaluator.RotateColumnsNew(ct, 3); err != nil {
		t.Fatal(err)
	}
	got := make([]uint64, len(x))
	if err := encoder.Decode(rlwe.NewDecryptor(params, secret).DecryptNew(ct), got); err != nil {
		t.Fatal(err)
	}
	half := len(x) / 2
	for i := range got {
		v := x[i/half*half+(i+3)%half]
		v = v * v % 65537
		if want := v * v % 65537; got[i] != want {
			t.Fatalf("slot %d: want %d, got %d", i, want, got[i])
		}
	}
}

func TestConjugateInvariantIsRefused(t *testing.T) {
	l := literal(10)
	l.RingType = ring.ConjugateInvariant
	p, err := rlwe.NewParametersFromLiteral(l)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Install(p); err == nil || n != 0 {
		t.Errorf("replaced %d transforms: %v", n, err)
	}
}

// BenchmarkNTT measures how many times faster than Lattigo's the transforms are.
func BenchmarkNTT(b *testing.B) {
	cputest.Need(b, cpu.AVX2)
	for _, logN := range []int{12, 13, 14, 15} {
		p, slow := parameters(b, logN), parameters(b, logN)
		if _, err := Install(p); err != nil {
			b.Fatal(err)
		}
		fast, twin := p.RingQ().SubRings[1], slow.RingQ().SubRings[1]
		for name, f := range map[string][2]func(a, b []uint64){"forward": {fast.NTT, twin.NTT}, "inverse": {fast.INTT, twin.INTT}} {
			b.Run(fmt.Sprintf("%s/logN=%d", name, logN), func(b *testing.B) {
				x := make([]uint64, fast.N)
				for k := range x {
					x[k] = uint64(k) * 12345678901 % fast.Modulus
				}
				best := [2]time.Duration{1 << 60, 1 << 60}
				for b.Loop() {
					for k := range f {
						start := time.Now()
						f[k](x, x)
						best[k] = min(best[k], time.Since(start))
					}
				}
				b.ReportMetric(float64(best[0])/1e3, "us")
				b.ReportMetric(float64(best[1])/1e3, "lattigo-us")
				b.ReportMetric(float64(best[1])/float64(best[0]), "x-lattigo")
			})
		}
	}
}
