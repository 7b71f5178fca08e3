package rns

import (
	"slices"

	"qtool/kernel/mod"
)

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
	scale    []mod.Factor // (M/q_i)^-1
	inverse  []float64    // 1/q_i
	short    bool         // all source primes are below 2^50
	hats     []hats       // of each target
}

// hats are M/q_i of all source primes and, at the end, -M, modulo a target, so many at a
// time.
type hats []mod.Weighing

// hatsAtOnce is how many vectors mod.Combine adds up.
const hatsAtOnce = 8

func (r *Ring) newConverter(from, to []int) *converter {
	c := &converter{ring: r, from: from, to: to}
	others := make([][]int, len(from))
	c.short = true
	for k, i := range from {
		c.short = c.short && r.moduli[i].Q>>50 == 0
		others[k] = append(append(others[k], from[:k]...), from[k+1:]...)
		m := r.moduli[i]
		c.scale = append(c.scale, m.Factor(m.Inverse(r.product(i, others[k]))))
		c.inverse = append(c.inverse, 1/float64(m.Q))
	}
	for _, j := range to {
		m := r.moduli[j]
		var all []uint64
		for k := range from {
			all = append(all, r.product(j, others[k]))
		}
		var h hats
		for part := range slices.Chunk(append(all, m.Q-r.product(j, from)), hatsAtOnce) {
			h = append(h, m.Weighing(part))
		}
		c.hats = append(c.hats, h)
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
	m := c.ring.moduli[c.to[t]]
	for at := 0; at < len(dst); at += convertBlock {
		to := dst[at : at+convertBlock]
		for i, h := range c.hats[t] {
			part := y[i*hatsAtOnce : min((i+1)*hatsAtOnce, len(c.from)+1)]
			if i == 0 {
				m.Combine(to, part, at, h, c.short)
				continue
			}
			var more [convertBlock]uint64
			m.Combine(more[:], part, at, h, c.short)
			m.Add(to, to, more[:])
		}
	}
}

// convertBlock divides every ring degree in use.
const convertBlock = 512
