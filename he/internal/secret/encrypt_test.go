package secret_test

import (
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
)

// Lattigo decrypts what an encrypter makes, to the message and an error within the
// bound; the encrypter prints nothing of the key.
func TestInsecureEncrypter(t *testing.T) {
	p, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: 9, LogQ: []int{50, 40, 40}, LogP: []int{51}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	key := secret.NewFromSystem(p)
	x := secret.NewEncrypter(p, key, sample.NewSeed())
	const limbs = 2
	r := p.RingQ().AtLevel(limbs - 1)
	for round := range uint64(3) {
		public := sample.Derived(sample.Seed{}, "test", round)
		ct := rlwe.NewCiphertext(p, 1, limbs-1)
		for i := range limbs {
			for k := range ct.Value[0].Coeffs[i] {
				ct.Value[0].Coeffs[i][k] = 1000 * (uint64(k) + round)
			}
		}
		r.NTT(ct.Value[0], ct.Value[0])
		ct.Value[1].Coeffs = x.Encrypt(ct.Value[0].Coeffs, public)
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
}
