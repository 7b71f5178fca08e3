package rns

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
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
	scale    []uint64   // (M/q_i)^-1, times whatever x lacks, in Montgomery form
	inverse  []float64  // 1/q_i
	hats     [][]uint64 // of each target: M/q_i and at the end -M, in Montgomery form
}

// newConverter prepares the conversion. factor is what x is to be multiplied by
// first, modulo each source prime.
func (r *Ring) newConverter(from, to []int, factor func(prime int) uint64) *converter {
	c := &converter{ring: r, from: from, to: to}
	for k, i := range from {
		others := append(append([]int(nil), from[:k]...), from[k+1:]...)
		c.scale = append(c.scale, r.mont(i, r.mul(i, r.inverse(i, r.product(i, others)), factor(i))))
		c.inverse = append(c.inverse, 1/float64(r.subs[i].Modulus))
	}
	for _, j := range to {
		q := r.subs[j].Modulus
		var hats []uint64
		for k := range from {
			others := append(append([]int(nil), from[:k]...), from[k+1:]...)
			hats = append(hats, r.mont(j, r.product(j, others)))
		}
		c.hats = append(c.hats, append(hats, r.mont(j, q-r.product(j, from))))
	}
	return c
}

// prepare replaces x, limbs of the source primes in coefficient form, by y, and
// puts v into the limb after the last.
func (c *converter) prepare(x [][]uint64) {
	for k, i := range c.from {
		c.ring.subs[i].MulScalarMontgomery(x[k], c.scale[k], x[k])
	}
	v := x[len(c.from)]
	for k := range v {
		sum := 0.5
		for i, inverse := range c.inverse {
			sum += float64(x[i][k]) * inverse
		}
		v[k] = uint64(sum)
	}
}

// limb computes the residues modulo target number t of what prepare left in y.
// Sums are of 128 bits: there are few sources, whose products with a residue stay
// below 2^64 q together.
func (c *converter) limb(dst []uint64, y [][]uint64, t int) {
	s := c.ring.subs[c.to[t]]
	hats := c.hats[t]
	var hi, lo [convertBlock]uint64
	for at := 0; at < len(dst); at += convertBlock {
		clear(hi[:])
		clear(lo[:])
		i := 0
		for ; i+2 <= len(hats); i += 2 {
			multiply2(&hi, &lo, (*[convertBlock]uint64)(y[i][at:]), (*[convertBlock]uint64)(y[i+1][at:]), hats[i], hats[i+1])
		}
		if i < len(hats) {
			multiply1(&hi, &lo, (*[convertBlock]uint64)(y[i][at:]), hats[i])
		}
		montgomery((*[convertBlock]uint64)(dst[at:]), &hi, &lo, s.Modulus, s.MRedConstant)
	}
}

// convertBlock divides every ring degree in use.
const convertBlock = 64

func multiply2(hi, lo, x, y *[convertBlock]uint64, a, b uint64) {
	for k := range hi {
		h, l := bits.Mul64(x[k], a)
		g, m := bits.Mul64(y[k], b)
		l, carry := bits.Add64(l, m, 0)
		h, _ = bits.Add64(h, g, carry)
		l, carry = bits.Add64(l, lo[k], 0)
		h, _ = bits.Add64(h, hi[k], carry)
		hi[k], lo[k] = h, l
	}
}

func multiply1(hi, lo, x *[convertBlock]uint64, a uint64) {
	for k := range hi {
		h, l := bits.Mul64(x[k], a)
		l, carry := bits.Add64(l, lo[k], 0)
		h, _ = bits.Add64(h, hi[k], carry)
		hi[k], lo[k] = h, l
	}
}

// montgomery is dst = (hi, lo)/2^64 mod q, for hi below 2^63.
func montgomery(dst, hi, lo *[convertBlock]uint64, q, inverse uint64) {
	for k := range dst {
		h, _ := bits.Mul64(lo[k]*inverse, q)
		dst[k] = ring.CRed(hi[k]+q-h, q)
	}
}
