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
// whose digits a_j are the digits of c + floor(P/2). The digits of floor(P/2) itself are
// (m_j-1)/2, so that the digits of [c]_P, without it, are balanced. It costs one inverse transform of
// each limb that is dropped and one forward transform of each other, however many
// primes go at once.
//
// Reference: Garner's mixed radix conversion; for one prime,
// ring.DivRoundByLastModulusNTT of Lattigo v5.0.7.
type rescaler struct {
	last  []*mod.Modulus // of P
	half  []uint64       // floor(P/2) modulo m_j
	radix [][]mod.Factor // [j][k < j]: 1/m_k modulo m_j
	limbs []rescaleLimb
}

// rescaleLimb is what another modulus needs.
type rescaleLimb struct {
	m       *mod.Modulus
	half    uint64       // -floor(P/2)
	weights []mod.Factor // m_0 ... m_{j-1}, for digit j > 0
	inverse mod.Factor   // 1/P
}

// newRescaler prepares to divide by the last moduli, for residues modulo the
// others.
func newRescaler(last, others []*mod.Modulus) *rescaler {
	r := &rescaler{last: last}
	// floor(P/2) = (P-1)/2 is -1/2 modulo every prime of P.
	for j, m := range last {
		r.half = append(r.half, (m.Q-1)/2)
		var inverses []mod.Factor
		for _, k := range last[:j] {
			inverses = append(inverses, m.Factor(m.Inverse(k.Q)))
		}
		r.radix = append(r.radix, inverses)
	}
	for _, m := range others {
		l := rescaleLimb{m: m}
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

// digits turns coefficients' residues modulo m_j, x[j], into the digits of c +
// floor(P/2).
func (r *rescaler) digits(x [][]uint64, spare []uint64) {
	for j, m := range r.last {
		m.AddConstant(x[j], x[j], r.half[j])
		for k, inverse := range r.radix[j] {
			m.Reduce(spare, x[k], 0)
			m.SubScale(x[j], x[j], spare, inverse)
		}
	}
}

// residue is [c]_P from its digits.
func (l *rescaleLimb) residue(dst []uint64, digits [][]uint64, spare []uint64) {
	l.m.Reduce(dst, digits[0], l.half)
	for j, weight := range l.weights {
		l.m.Reduce(spare, digits[j+1], 0)
		l.m.AddScale(dst, dst, spare, weight)
	}
}

// rescale divides polynomial p of an element. It reads the limbs that go and
// rewrites the others in place; the caller drops the limbs when all polynomials
// are done.
func (w *worker) rescale(transforms []*mod.Transform, r *rescaler, t *tensor, element, p int) {
	keep, drop := len(r.limbs), len(r.last)
	digits, y, spare := w.poly[:drop], w.poly[drop], w.poly[drop+1]
	for j, a := range digits {
		t.gather(a, keep+j, element, p)
		transforms[keep+j].Inverse(a)
	}
	r.digits(digits, spare)
	for i := range r.limbs {
		l := &r.limbs[i]
		l.residue(y, digits, spare)
		transforms[i].Forward(y)
		for b := range t.blocks() {
			part := t.part(i, b, element, p)
			l.m.SubScale(part, part, y[b*block:][:block], l.inverse)
		}
	}
}
