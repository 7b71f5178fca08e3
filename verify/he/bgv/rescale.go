package bgv

import "qtool/kernel/mod"

// rescaler divides by the last primes m_0, m_1, ... of a modulus and rounds:
//
//	c'_i = (c_i - [c]_P) / P  mod q_i,     P = m_0 m_1 ...,   [c]_P in [-P/2, P/2)
//
// The noise is divided by P, and the plaintext multiplied by its inverse; see
// noise and Plan.scale. [c]_P is rebuilt from its residues by mixed radices,
//
//	[c]_P = a_0 + a_1 m_0 + a_2 m_0 m_1 + ... - floor(P/2)
//
// whose digits a_j are those of c + floor(P/2). It costs one inverse transform of
// each limb that is dropped and one forward transform of each other, however many
// primes go at once.
//
// Reference: Garner's mixed radix conversion; for one prime,
// ring.DivRoundByLastModulusNTT of Lattigo v5.0.7.
type rescaler struct {
	keep, drop int
	half       []uint64       // floor(P/2) modulo m_j
	radix      [][]mod.Factor // [j][k < j]: 1/m_k modulo m_j
	limbs      []rescaleLimb
}

// rescaleLimb is what a limb that is kept needs.
type rescaleLimb struct {
	half    uint64       // -floor(P/2)
	weights []mod.Factor // m_0 ... m_{j-1}, for digit j > 0
	inverse mod.Factor   // 1/P
}

// newRescaler prepares to drop the last primes of moduli.
func newRescaler(moduli []*mod.Modulus, drop int) *rescaler {
	r := &rescaler{keep: len(moduli) - drop, drop: drop}
	last := moduli[r.keep:]
	// floor(P/2) = (P-1)/2 is -1/2 modulo every prime of P.
	for j, m := range last {
		r.half = append(r.half, (m.Q-1)/2)
		var inverses []mod.Factor
		for _, k := range last[:j] {
			inverses = append(inverses, m.Factor(m.Inverse(k.Q)))
		}
		r.radix = append(r.radix, inverses)
	}
	for _, m := range moduli[:r.keep] {
		var l rescaleLimb
		product := uint64(1)
		for j, d := range last {
			if j > 0 {
				l.weights = append(l.weights, m.Factor(product))
			}
			product = m.Mul(product, d.Q%m.Q)
		}
		l.inverse = m.Factor(m.Inverse(product))
		// -(P-1)/2
		l.half = m.Mul((1+m.Q-product)%m.Q, m.Inverse(2))
		r.limbs = append(r.limbs, l)
	}
	return r
}

// rescale divides polynomial p of an element. It reads the limbs that go and
// rewrites the others in place; the caller drops the limbs when all polynomials
// are done.
func (w *worker) rescale(plan *Plan, r *rescaler, t *tensor, element, p int) {
	y, spare := w.poly[r.drop], w.poly[r.drop+1]
	digits := w.poly[:r.drop]
	for j, a := range digits {
		m := plan.moduli[r.keep+j]
		t.gather(a, r.keep+j, element, p)
		plan.transforms[r.keep+j].Inverse(a)
		m.AddConstant(a, a, r.half[j])
		for k, inverse := range r.radix[j] {
			m.Reduce(spare, digits[k], 0)
			m.SubScale(a, a, spare, inverse)
		}
	}
	for i := range r.limbs {
		l, m := &r.limbs[i], plan.moduli[i]
		m.Reduce(y, digits[0], l.half)
		for j, weight := range l.weights {
			m.Reduce(spare, digits[j+1], 0)
			m.AddScale(y, y, spare, weight)
		}
		plan.transforms[i].Forward(y)
		for b := range t.blocks() {
			part := t.part(i, b, element, p)
			m.SubScale(part, part, y[b*block:][:block], l.inverse)
		}
	}
}
