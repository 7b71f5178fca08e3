package bgv

import (
	"qtool/bundle"
	"qtool/kernel/mod"
)

// constants are a stage's, for one plaintext prime and one limb: what the scale
// and T^-1 make of biases and polynomial coefficients.
type constants struct {
	m       *mod.Modulus
	factor  mod.Factor // T, for products
	lifts   [][]lifted // of the parts of each source
	weights []*mod.Weights
	bias    []uint64 // of each row, for c_0
	squares bool     // the polynomial is a plain square in every channel
	poly    []horner // of each coefficient row, otherwise
}

// compile prepares a stage of a segment that begins with the given scale.
//
// A constant c at scale s is the centred residue of c*s mod t, times T^-1 mod q,
// added to every NTT coefficient of c_0. A polynomial of degree D has the scale
// s^D after it, so that its coefficient a_j becomes a_j s^(D-j).
func (st *stage) compile(s *shared, t, scale uint64, m *mod.Modulus) constants {
	c := constants{m: m, factor: m.DotFactor(t % m.Q)}
	for _, from := range st.sources() {
		c.lifts = append(c.lifts, from.factors(t, scale, m))
	}
	scale = powMod(scale, uint64(st.from.power), t)
	inverseT := m.Inverse(t)
	constant := func(v, scale uint64) uint64 { // v modulo t
		scaled := lift(mulMod(v, scale, t), t)
		return m.Mul(m.Residue(scaled), inverseT)
	}
	for _, w := range s.weights {
		c.weights = append(c.weights, m.Weights(w))
	}
	if st.rows != nil {
		for o := range st.rows.Outputs() {
			c.bias = append(c.bias, constant(st.rows.Bias.Mod(o, t), scale))
		}
	}
	if st.poly == nil {
		return c
	}
	degree := st.poly.Degree()
	c.squares = true
	for _, row := range st.poly.Coeffs {
		c.squares = c.squares && isSquare(row)
		c.poly = append(c.poly, c.horner(row, degree, func(j, power int) (scalar int64, offset uint64) {
			s, v := powMod(scale, uint64(power), t), row.Mod(j, t)
			return lift(mulMod(v, s, t), t), constant(v, s)
		}))
	}
	return c
}

// horner compiles one row of coefficients of a polynomial of the given degree;
// at gives coefficient j, scaled to a power, as a scalar and as a constant.
func (c *constants) horner(row bundle.Vec, degree int, at func(j, power int) (int64, uint64)) horner {
	top := row.Len() - 1
	scalar, _ := at(top, degree-top)
	h := horner{lead: c.m.Factor(c.m.Residue(scalar))}
	for j := top - 1; j >= 0; j-- {
		_, offset := at(j, degree-j)
		h.rest = append(h.rest, offset)
	}
	return h
}

func isSquare(row bundle.Vec) bool { return row.Equal(bundle.Square().Coeffs[0]) }

// channel is the compiled polynomial of element i of n, by the rule of
// bundle.Polynomial.Channel.
func (c *constants) channel(i, n int) *horner { return &c.poly[i*len(c.poly)/n] }

// lifted is the factor that brings a part of a source to the scale of the others.
type lifted struct {
	factor mod.Factor
	needed bool // the factor is not 1
}

// factors are s^lift mod t, centred, of the parts in a segment that begins
// with scale s.
func (from *source) factors(t, s uint64, m *mod.Modulus) []lifted {
	all := make([]lifted, len(from.lifts))
	for k, n := range from.lifts {
		all[k] = newLifted(powMod(s, uint64(n), t), t, m)
	}
	return all
}

// newLifted is the centred factor v modulo t.
func newLifted(v, t uint64, m *mod.Modulus) lifted {
	return lifted{m.Factor(m.Residue(lift(v, t))), v != 1}
}
