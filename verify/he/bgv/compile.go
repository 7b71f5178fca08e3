package bgv

import "github.com/tuneinsight/lattigo/v5/ring"

// constants are a stage's, for one plaintext prime and one limb: what the scale
// and T^-1 make of biases and polynomial coefficients.
type constants struct {
	modulus
	factor uint64   // T twice in Montgomery form
	bias   []uint64 // of each row, for c_0
	poly   []horner // of each coefficient row
}

// compile prepares a stage whose inputs have the given scale.
//
// A constant c at scale s is the centred residue of c*s mod t, times T^-1 mod q,
// added to every NTT coefficient of c_0. A polynomial of degree D has the scale
// s^D after it, so that its coefficient a_j becomes a_j s^(D-j).
func (st *stage) compile(t, scale, q uint64) constants {
	c := constants{modulus: newModulus(q)}
	inverseT := inverse(t, q)
	constant := func(v int64, scale uint64) uint64 {
		scaled := lift(mulMod(residue(v, t), scale, t), t)
		return c.mul(residue(scaled, q), inverseT)
	}
	c.factor = c.montgomery(c.montgomery(t % q))
	if st.rows != nil {
		for _, b := range st.rows.Bias {
			c.bias = append(c.bias, constant(b, scale))
		}
	}
	if st.poly != nil {
		degree := st.poly.Degree()
		for _, row := range st.poly.Coeffs {
			c.poly = append(c.poly, c.horner(row, degree, func(v int64, power int) (scalar int64, offset uint64) {
				s := ring.ModExp(scale, uint64(power), t)
				return lift(mulMod(residue(v, t), s, t), t), constant(v, s)
			}))
		}
	}
	return c
}

// horner compiles one row of coefficients of a polynomial of the given degree;
// at gives coefficient v, scaled to a power, as a scalar and as a constant.
func (c *constants) horner(row []int64, degree int, at func(v int64, power int) (int64, uint64)) horner {
	if isSquare(row) && degree == 2 {
		return horner{square: true}
	}
	top := len(row) - 1
	scalar, _ := at(row[top], degree-top)
	h := horner{lead: c.montgomery(residue(scalar, c.q))}
	for j := top - 1; j >= 0; j-- {
		_, offset := at(row[j], degree-j)
		h.rest = append(h.rest, offset)
	}
	return h
}

func isSquare(row []int64) bool {
	return len(row) == 3 && row[0] == 0 && row[1] == 0 && row[2] == 1
}

// channel is the compiled polynomial of element i of n, by the rule of
// bundle.Polynomial.Channel.
func (c *constants) channel(i, n int) *horner { return &c.poly[i*len(c.poly)/n] }
