package keyset

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/wire"
)

func testInsecureParameters(t *testing.T) rlwe.Parameters {
	t.Helper()
	p, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: 10, LogQ: []int{50, 40, 40, 40, 40}, LogP: []int{50, 51}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var needs = Needs{Rotations: map[int]int{1: 5, -3: 4, 100: 2}, Relin: 3}

func generated(t *testing.T, p rlwe.Parameters, key *rlwe.SecretKey) *Set {
	t.Helper()
	s, err := Generate(context.Background(), 2, p, needs, key, [32]byte{7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(needs); err != nil {
		t.Fatal(err)
	}
	return s
}

// Lattigo's evaluator switches keys with ours: ciphertexts that it rotates and
// relinearises decrypt to what they should, up to the noise of a key switch.
func TestInsecureLattigoUsesOurKeys(t *testing.T) {
	p := testInsecureParameters(t)
	key := secret.New(p, sample.NewStream(sample.Seed{1}))
	set := generated(t, p, key)
	galois := make([]*rlwe.GaloisKey, 0, len(set.Galois))
	for _, g := range set.Galois {
		galois = append(galois, g)
	}
	evaluator := rlwe.NewEvaluator(p, rlwe.NewMemEvaluationKeySet(set.Relin, galois...))
	encryptor, decryptor := rlwe.NewEncryptor(p, key), rlwe.NewDecryptor(p, key)
	const scale = 1 << 30
	for slots, limbs := range needs.Rotations {
		plain := rlwe.NewPlaintext(p, limbs-1)
		r := p.RingQ().AtLevel(limbs - 1)
		for i, q := range r.ModuliChain()[:limbs] {
			for k := range plain.Value.Coeffs[i] {
				plain.Value.Coeffs[i][k] = uint64(k*k%17) * scale % q
			}
		}
		want := r.NewPoly()
		r.Automorphism(plain.Value, p.GaloisElement(slots), want)
		r.NTT(plain.Value, plain.Value)
		plain.IsNTT = true
		ct, err := encryptor.EncryptNew(plain)
		if err != nil {
			t.Fatal(err)
		}
		out := rlwe.NewCiphertext(p, 1, limbs-1)
		if err := evaluator.Automorphism(ct, p.GaloisElement(slots), out); err != nil {
			t.Fatal(err)
		}
		got := decryptor.DecryptNew(out).Value
		r.INTT(got, got)
		r.Sub(got, want, got)
		// Digits of 90 bits are divided by a special modulus of 101: what is left is
		// the rounding, sqrt(N 2/3 / 12), and the fresh error.
		if worst := largest(r, got); worst > 12*math.Sqrt(float64(p.N())/18+12) {
			t.Errorf("rotation by %d: an error of %g", slots, worst)
		}
	}
}

// largest is the largest magnitude of coefficients, from the first prime.
func largest(r *ring.Ring, x ring.Poly) (worst float64) {
	q := r.SubRings[0].Modulus
	for _, v := range x.Coeffs[0] {
		worst = max(worst, float64(min(v, q-v)))
	}
	return worst
}

// Every digit of every key is an encryption of P g_d times the old secret: what is
// left is an error of the sampler's deviation, one for all primes, another one for
// every digit; masks are uniform in the mean and never repeat.
func TestInsecureKeysAreEncryptions(t *testing.T) {
	p := testInsecureParameters(t)
	key := secret.New(p, sample.NewStream(sample.Seed{2}))
	checkKeys(t, p, key, generated(t, p, key))
}

func checkKeys(t *testing.T, p rlwe.Parameters, key *rlwe.SecretKey, set *Set) {
	t.Helper()
	n, special := float64(p.N()), len(p.P())
	rings := slices.Concat(p.RingQ().SubRings, p.RingP().SubRings)
	own := slices.Concat(key.Value.Q.Coeffs, key.Value.P.Coeffs)
	square, count := 0.0, 0.0
	masks := map[uint64]bool{}
	check := func(name string, g *rlwe.GadgetCiphertext, limbs int, from, to func(i int) []uint64) {
		for d, digit := range g.Value {
			var first []int64
			b := slices.Concat(digit[0][0].Q.Coeffs, digit[0][0].P.Coeffs)
			a := slices.Concat(digit[0][1].Q.Coeffs, digit[0][1].P.Coeffs)
			if len(b) != limbs+special || len(a) != len(b) {
				t.Fatalf("%s: %d limbs, want %d", name, len(b), limbs+special)
			}
			for k := range b {
				i := k
				if k >= limbs {
					i = len(p.Q()) + k - limbs
				}
				s := rings[i]
				x := slices.Clone(b[k])
				s.MulCoeffsMontgomeryThenAdd(a[k], to(i), x)
				if k < limbs && k/special == d {
					factor := uint64(1)
					for _, q := range p.P() {
						factor = ring.BRed(factor, q%s.Modulus, s.Modulus, s.BRedConstant)
					}
					s.MulScalarMontgomeryThenAdd(from(i), ring.MForm(s.Modulus-factor, s.Modulus, s.BRedConstant), x)
				}
				s.IMForm(x, x)
				s.INTT(x, x)
				e := make([]int64, len(x))
				for j, v := range x {
					if e[j] = int64(v); v > s.Modulus/2 {
						e[j] -= int64(s.Modulus)
					}
					if v := math.Abs(float64(e[j])); v > sample.Bound {
						t.Fatalf("%s, digit %d, limb %d: an error of %g", name, d, k, v)
					}
				}
				if first == nil {
					first = e
					for _, v := range e {
						square, count = square+float64(v*v), count+1
					}
				} else if !slices.Equal(first, e) {
					t.Errorf("%s, digit %d: limb %d has other errors than the first", name, d, k)
				}
				mean := 0.0
				for _, v := range a[k] {
					mean += float64(v) / float64(s.Modulus) / n
				}
				if math.Abs(mean-0.5) > 6/math.Sqrt(12*n) || masks[a[k][0]] {
					t.Errorf("%s, digit %d, limb %d: the mask has mean %.4f of the prime, or is there twice", name, d, k, mean)
				}
				masks[a[k][0]] = true
			}
		}
	}
	for slots, limbs := range needs.Rotations {
		index, err := ring.AutomorphismNTTIndex(p.N(), p.RingQ().NthRoot(), p.ModInvGaloisElement(p.GaloisElement(slots)))
		if err != nil {
			t.Fatal(err)
		}
		check("rotation", &set.Galois[slots].GadgetCiphertext, limbs, func(i int) []uint64 { return own[i] }, func(i int) []uint64 {
			x := make([]uint64, p.N())
			for k, from := range index {
				x[k] = own[i][from]
			}
			return x
		})
	}
	check("relinearisation", &set.Relin.GadgetCiphertext, needs.Relin, func(i int) []uint64 {
		x := make([]uint64, p.N())
		rings[i].MulCoeffsMontgomery(own[i], own[i], x)
		return x
	}, func(i int) []uint64 { return own[i] })
	variance := sample.Sigma*sample.Sigma + 1./12
	if got := square / count; math.Abs(got-variance) > 6*variance*math.Sqrt(2/count) {
		t.Errorf("errors have variance %.3f, want %.3f", got, variance)
	}
}

// Keys come back as they were written, with the masks of the seed, in the bytes that were
// said.
func TestInsecureKeysOnTheWire(t *testing.T) {
	p := testInsecureParameters(t)
	key := secret.NewFromSystem(p)
	length := needs.Sent(p.LogN(), len(p.P()))
	var b bytes.Buffer
	out := wire.Create(&b, wire.Object{Kind: wire.EvaluationKeys, Length: length})
	count := 0
	if err := Write(context.Background(), out, 2, p, needs, key, [32]byte{7}, func() { count++ }); err != nil {
		t.Fatal(err)
	}
	if n, err := out.End(); err != nil || n != int64(b.Len()) || count != needs.Count() {
		t.Fatalf("%d of %d bytes, %d keys: %v", n, b.Len(), count, err)
	}
	if both := needs.Bytes(p.LogN(), len(p.P())); float64(length) > 0.6*float64(both) {
		t.Errorf("%d bytes are sent of %d", length, both)
	}
	in, err := wire.Open(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	read := Read(in, p, needs)
	if err := in.End(); err != nil {
		t.Fatal(err)
	}
	checkKeys(t, p, key, read)
	masks := generated(t, p, key) // errors are others
	for slots, g := range masks.Galois {
		for d := range g.Value {
			if a, b := g.Value[d][0][1], read.Galois[slots].Value[d][0][1]; !a.Equal(&b) {
				t.Errorf("rotation by %d: the mask of digit %d is another", slots, d)
			}
		}
		if g.NthRoot != read.Galois[slots].NthRoot {
			t.Errorf("rotation by %d differs", slots)
		}
	}
	cut, err := wire.Open(bytes.NewReader(b.Bytes()[:b.Len()/2]))
	if err != nil {
		t.Fatal(err)
	}
	if Read(cut, p, needs); cut.Err() == nil {
		t.Error("half of the keys are read without an error")
	}
	if err := (&Set{}).Check(needs); err == nil || !strings.Contains(err.Error(), "lack") {
		t.Errorf("no keys: %v", err)
	}
}
