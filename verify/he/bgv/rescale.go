package bgv

import "github.com/tuneinsight/lattigo/v5/ring"

// rescale divides polynomial p of an element by the last of t's primes q_l and
// rounds:
//
//	c'_i = (c_i - [c]_l) q_l^-1  mod q_i,     [c]_l in (-q_l/2, q_l/2)
//
// The noise is divided by q_l, and the plaintext multiplied by its inverse; see
// noise and Plan.scale. It costs one inverse transform of the last limb and one
// forward transform of each other. It reads the last limb and rewrites the
// others in place; the caller drops the last limb when all polynomials are done.
//
// Reference: ring.DivRoundByLastModulusNTT of Lattigo v5.0.7, here on tiles.
func (w *worker) rescale(t *tensor, r *ring.Ring, element, p int) {
	last := len(t.limbs) - 1
	x, y := w.poly[0], w.poly[1]
	s := r.SubRings[last]
	half := s.Modulus >> 1
	t.gather(x, last, element, p)
	s.INTT(x, x)
	s.AddScalar(x, half, x)
	for i, s := range r.SubRings[:last] {
		// y = (c mod q_l) - half, which is [c]_l, modulo q_i.
		s.Reduce(x, y)
		s.SubScalar(y, half%s.Modulus, y)
		s.NTTLazy(y, y)
		// RescaleConstants hold -q_l^-1 in Montgomery form.
		for b := range t.blocks() {
			part := t.part(i, b, element, p)
			s.SubThenMulScalarMontgomeryTwoModulus(y[b*block:][:block], part, r.RescaleConstants[last-1][i], part)
		}
	}
}
