package secret_test

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/kernel/cpu"
)

// parameters have primes with and without kernels of their own.
func parameters(t *testing.T) rlwe.Parameters {
	t.Helper()
	p, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: 9, LogQ: []int{50, 40, 40, 55}, LogP: []int{51}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func prepare(t *testing.T, p rlwe.Parameters, key *rlwe.SecretKey) *secret.Prepared {
	t.Helper()
	x, err := secret.Prepare(p, key)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Lattigo decrypts what an encrypter makes, to the message and an error within the
// bound; nothing prints of the key.
func TestInsecureEncrypter(t *testing.T) {
	p := parameters(t)
	key := secret.NewFromSystem(p)
	prepared := prepare(t, p, key)
	x := prepared.Encrypter(sample.NewSeed())
	const limbs = 2
	r := p.RingQ().AtLevel(limbs - 1)
	for round := range uint64(3) {
		public := sample.Derived(sample.Seed{}, "test", round)
		m := secret.Message{Coefficients: make([]uint64, p.N())}
		for k := range m.Coefficients {
			m.Coefficients[k] = 1000 * (uint64(k) + round)
		}
		ct := rlwe.NewCiphertext(p, 1, limbs-1)
		ct.Value[0].Coeffs, ct.Value[1].Coeffs = x.Encrypt(m, limbs, public)
		for i, limb := range secret.Mask(public, p.N(), p.Q()[:limbs]) {
			if !slices.Equal(limb, ct.Value[1].Coeffs[i]) {
				t.Errorf("round %d, prime %d: the mask is not its seed's", round, i)
			}
		}
		ct.IsNTT = true
		got := rlwe.NewDecryptor(p, key).DecryptNew(ct).Value
		r.INTT(got, got)
		for i, q := range p.Q()[:limbs] {
			for k, v := range got.Coeffs[i] {
				if e := (v + q - 1000*(uint64(k)+round)) % q; float64(min(e, q-e)) > sample.Bound {
					t.Fatalf("round %d, prime %d, coefficient %d: an error of %d", round, q, k, min(e, q-e))
				}
			}
		}
	}
	guardtest.Hidden(t, x, rolestest.Key(p, key).Secrets())
	guardtest.Hidden(t, prepared, rolestest.Key(p, key).Secrets())
}

// An encryption is, to the bit, what Lattigo's rings make of the same words: negative and
// large coefficients and constants among them.
func TestInsecureEncryptionIsTheFormula(t *testing.T) {
	p := parameters(t)
	// A residue of a key is zero now and then: all are, of the key that is zero.
	for _, key := range []*rlwe.SecretKey{secret.NewFromSystem(p), rlwe.NewSecretKey(p)} {
		encryptionIsTheFormula(t, p, key)
	}
}

func encryptionIsTheFormula(t *testing.T, p rlwe.Parameters, key *rlwe.SecretKey) {
	t.Helper()
	seed, public := sample.NewSeed(), sample.NewSeed()
	r := rand.New(rand.NewPCG(1, 2))
	m := secret.Message{Coefficients: make([]uint64, p.N()), Factors: []uint64{1, 1 << 39, p.Q()[2] - 1, 12345}}
	for k := range m.Coefficients {
		m.Coefficients[k] = uint64((r.Int64N(1<<62) - 1<<61) >> (k % 62))
	}
	for k, v := range []int64{0, 1, -1, 1<<62 - 1, -(1<<62 - 1)} {
		m.Coefficients[k] = uint64(v)
	}
	limbs := p.QCount()
	body, mask := prepare(t, p, key).Encrypter(seed).Encrypt(m, limbs, public)
	errors, words := make([]int64, p.N()), make([]uint64, p.N())
	sample.NewStream(seed).Gaussian(cpu.Active, errors, words)
	for i, s := range p.RingQ().SubRings {
		want, e := make([]uint64, s.N), make([]uint64, s.N)
		q := big.NewInt(0).SetUint64(s.Modulus)
		for k := range want {
			x := big.NewInt(int64(m.Coefficients[k]))
			want[k] = x.Mul(x, new(big.Int).SetUint64(m.Factors[i])).Mod(x, q).Uint64()
			e[k] = uint64(errors[k]) + s.Modulus&uint64(errors[k]>>63)
		}
		s.Add(want, e, want)
		s.NTT(want, want)
		s.MulCoeffsMontgomeryThenSub(mask[i], key.Value.Q.Coeffs[i], want)
		if !slices.Equal(body[i], want) {
			t.Errorf("prime %d: the body differs", s.Modulus)
		}
	}
}
