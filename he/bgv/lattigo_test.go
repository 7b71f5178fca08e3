package bgv

import "github.com/tuneinsight/lattigo/v5/core/rlwe"

// ciphertext is a copy of ciphertext i. Its plaintext is in slot order of the
// number theoretic transform, at the scale that the plan tracks.
func (t *tensor) ciphertext(p *Plan, i int) *rlwe.Ciphertext {
	ct := rlwe.NewCiphertext(p.params, t.degree, len(t.limbs)-1)
	ct.IsNTT = true
	for limb := range t.limbs {
		for d := range t.degree + 1 {
			t.gather(ct.Value[d].Coeffs[limb], limb, i, d)
		}
	}
	return ct
}

// setCiphertexts makes in the ciphertexts cts for a plaintext prime.
func (in *ciphertexts) setCiphertexts(p *Plan, prime int, cts []*rlwe.Ciphertext) {
	in.prime = prime
	in.reset(p.Slots(), len(cts), 1, len(p.Q))
	for i, ct := range cts {
		for limb := range p.Q {
			for d := range 2 {
				in.scatter(ct.Value[d].Coeffs[limb], limb, i, d)
			}
		}
	}
}
