package rolestest

import (
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/guard/guardtest"
)

// run is how many coefficients in a row are taken for a key's: by chance, ternary
// ones come so once in 3^40 places.
const run = 40

// Coefficients are runs of a secret key's, to look for.
type Coefficients struct {
	words [][]uint64 // residues of many bits
	small [][]int8   // ternary or binary
}

// Small are the runs of a secret with small coefficients: its beginning and its
// middle, as they are and plus one, which is how they are written.
func Small(secret []int8) (c Coefficients) {
	for _, at := range []int{0, len(secret) / 2} {
		part := slices.Clone(secret[at:min(at+run, len(secret))])
		plusOne := slices.Clone(part)
		for i := range plusOne {
			plusOne[i]++
		}
		c.small = append(c.small, part, plusOne)
	}
	return c
}

// Key are the runs of a ring's secret, of its coefficients and of its residues
// modulo every prime: in and out of the NTT domain and Montgomery form, and
// negated.
func Key(params rlwe.Parameters, key *rlwe.SecretKey) (c Coefficients) {
	add := func(r *ring.Ring, limbs [][]uint64) {
		for i, limb := range limbs {
			s := r.SubRings[i]
			form := func(change ...func(x, y []uint64)) []uint64 {
				x := slices.Clone(limb)
				for _, f := range change {
					f(x, x)
				}
				return x
			}
			plain := form(s.IMForm, s.INTT)
			for _, x := range [][]uint64{
				limb, form(s.IMForm), form(s.INTT), plain,
				form(s.Neg), form(s.IMForm, s.Neg), form(s.INTT, s.Neg), form(s.IMForm, s.INTT, s.Neg),
			} {
				for _, at := range []int{0, len(x) / 2} {
					c.words = append(c.words, x[at:min(at+run, len(x))])
				}
			}
			if i == 0 && r == params.RingQ() {
				small := make([]int8, len(plain))
				for k, v := range plain {
					small[k] = int8((v+1)%s.Modulus) - 1
				}
				c.small = append(c.small, Small(small).small...)
			}
		}
	}
	add(params.RingQ(), key.Value.Q.Coeffs)
	if r := params.RingP(); r != nil {
		add(r, key.Value.P.Coeffs)
	}
	return c
}

// And are the runs of both.
func (c Coefficients) And(d Coefficients) Coefficients {
	return Coefficients{slices.Concat(c.words, d.words), slices.Concat(c.small, d.small)}
}

// Secrets are the runs for package guardtest.
func (c Coefficients) Secrets() guardtest.Secrets {
	return guardtest.Secrets{Words: c.words, Small: c.small}
}
