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
// (m_j-1)/2, so that the digits of [c]_P, without it, are balanced. It costs one inverse
// transform of each limb that is dropped and one forward transform of each other, however
// many primes go at once.
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

// digits are what is left of the limbs that a rescale drops of a buffer: the digits of
// c + floor(P/2), a_0, a_1, ..., of every polynomial.
type digits struct {
	n     int        // coefficients of a polynomial
	limbs [][]uint64 // a_j of all polynomials, one behind the other
}

// newDigits is memory for the digits of so many polynomials of n coefficients, modulo so
// many primes.
func newDigits(n, polynomials, primes int) digits {
	d := digits{n: n}
	for range primes {
		d.limbs = append(d.limbs, newWords(n*polynomials))
	}
	return d
}

// of are the digits of one polynomial, in all's memory.
func (d *digits) of(polynomial int, all [][]uint64) [][]uint64 {
	all = all[:0]
	for _, limb := range d.limbs {
		all = append(all, limb[polynomial*d.n:(polynomial+1)*d.n])
	}
	return all
}

// drop takes the coefficients of n polynomials modulo m_j, of a limb that goes. The limbs
// come from the last to the first, and with the first there are digits.
func (w *worker) drop(transform *mod.Transform, r *rescaler, d *digits, j int, t *tensor, first, n int) {
	w.span = w.span[:0]
	for k := range n {
		w.span = append(w.span, d.limbs[j][(first+k)*d.n:(first+k+1)*d.n])
	}
	t.gatherSpan(w.span, 0, first)
	for k, x := range w.span {
		transform.Inverse(x)
		if j == 0 {
			w.digits = d.of(first+k, w.digits)
			r.digits(w.digits, w.spare)
		}
	}
}

// rescale divides n polynomials, of a limb that stays, in place.
func (w *worker) rescale(transform *mod.Transform, l *rescaleLimb, d *digits, t *tensor, first, n int) {
	for len(w.poly) < n {
		w.poly = append(w.poly, make([]uint64, d.n))
	}
	for k, y := range w.poly[:n] {
		w.digits = d.of(first+k, w.digits)
		l.residue(y, w.digits, w.spare)
		transform.Forward(y)
	}
	for b := range t.blocks() {
		part := t.span(0, b, first, n)
		for k, y := range w.poly[:n] {
			x := part[k*block:][:block]
			l.m.SubScale(x, x, y[b*block:][:block], l.inverse)
		}
	}
}
