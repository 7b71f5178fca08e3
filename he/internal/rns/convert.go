package rns

import "qtool/kernel/mod"

// converter takes integers modulo M, the product of some primes, to residues
// modulo others:
//
//	y_i = x_i (M/q_i)^-1 mod q_i,   v = round(sum y_i/q_i)
//	out = sum y_i (M/q_i) - v M   mod q
//
// which is the representative of x in about [-M/2, M/2): v is rounded in floating
// point, so that x within 2^-45 M of M/2 may come out on either side.
type converter struct {
	ring     *Ring
	from, to []int
	scale    []mod.Factor   // (M/q_i)^-1
	inverse  []float64      // 1/q_i
	hats     [][]mod.Factor // of each target: M/q_i, and at the end -M
}

func (r *Ring) newConverter(from, to []int) *converter {
	c := &converter{ring: r, from: from, to: to}
	others := make([][]int, len(from))
	for k, i := range from {
		others[k] = append(append(others[k], from[:k]...), from[k+1:]...)
		m := r.moduli[i]
		c.scale = append(c.scale, m.Factor(m.Inverse(r.product(i, others[k]))))
		c.inverse = append(c.inverse, 1/float64(m.Q))
	}
	for _, j := range to {
		m := r.moduli[j]
		var hats []mod.Factor
		for k := range from {
			hats = append(hats, m.Factor(r.product(j, others[k])))
		}
		c.hats = append(c.hats, append(hats, m.Factor(m.Q-r.product(j, from))))
	}
	return c
}

// prepare replaces x, limbs of the source primes in coefficient form, by y, and
// puts v into the limb after the last.
func (c *converter) prepare(x [][]uint64) {
	n := len(c.from)
	y, v := x[:n], x[n]
	for at := 0; at < len(v); at += convertBlock {
		for i, prime := range c.from {
			block := y[i][at : at+convertBlock]
			c.ring.moduli[prime].Scale(block, block, c.scale[i])
		}
		mod.NearestFromHalf(v[at:at+convertBlock], y, at, c.inverse)
	}
}

// limb computes the residues modulo target number t of what prepare left in y.
func (c *converter) limb(dst []uint64, y [][]uint64, t int) {
	m, hats := c.ring.moduli[c.to[t]], c.hats[t]
	for at := 0; at < len(dst); at += convertBlock {
		to := dst[at : at+convertBlock]
		m.Scale(to, y[0][at:at+convertBlock], hats[0])
		for i := 1; i < len(hats); i++ {
			m.AddScale(to, to, y[i][at:at+convertBlock], hats[i])
		}
	}
}

// convertBlock divides every ring degree in use.
const convertBlock = 512
