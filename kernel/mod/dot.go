package mod

import (
	"fmt"
	"math"
	"math/bits"
)

// Pairs are products x[i] y[j] of blocks of words, given by where the blocks
// start. Mixed pairs count twice: the products of a square that come in both orders.
type Pairs struct {
	offsets      []int64
	mixed, plain int
}

// NewPairs makes a list of products of the blocks at the given words.
func NewPairs(mixed, plain [][2]int) Pairs {
	p := Pairs{mixed: len(mixed), plain: len(plain)}
	for _, list := range [][][2]int{mixed, plain} {
		for _, o := range list {
			if o[0] < 0 || o[1] < 0 {
				panic(fmt.Sprintf("mod: a product of blocks at %v", o))
			}
			p.offsets = append(p.offsets, int64(o[0]), int64(o[1]))
		}
	}
	return p
}

// fits panics unless blocks of n words lie inside x and y.
func (p *Pairs) fits(n, x, y int) {
	for k := 0; k < len(p.offsets); k += 2 {
		if int(p.offsets[k])+n > x || int(p.offsets[k+1])+n > y {
			panic(fmt.Sprintf("mod: a block at %d and %d of vectors of %d and %d words", p.offsets[k], p.offsets[k+1], x, y))
		}
	}
}

// DotFactor is w for Dot, which divides by a power of two on the way.
func (m *Modulus) DotFactor(w uint64) Factor {
	if m.fused() { // which divides by nothing
		return m.Factor(w)
	}
	if m.fast() {
		return m.Factor(m.Mul(w%m.Q, 1<<52%m.Q))
	}
	return m.Factor(m.Mul(w%m.Q, m.power64()))
}

// Dot is a sum of products of blocks of words below q,
//
//	dst[k] = w (sum of x[i+k] y[j+k] over plain pairs + twice that over mixed ones)  mod q
//
// with w from DotFactor. Sums are lazy: words of two halves, reduced once by
// Montgomery's method, or numbers of two halves, reduced once a group. dst must not
// overlap x or y.
func (m *Modulus) Dot(dst, x, y []uint64, p Pairs, w Factor) {
	p.fits(len(dst), len(x), len(y))
	if m.fast() {
		if len(dst) > 0 && len(dst)%32 == 0 && 2*p.mixed+p.plain <= m.products {
			m.dotFast(dst, x, y, p, w)
			return
		}
		w = m.Factor(m.Mul(w.w, 1<<12)) // for words of 64 bits
	}
	if m.fused() {
		if len(dst) > 0 && len(dst)%8 == 0 {
			m.dotFused(dst, x, y, p, w)
			return
		}
		w = m.Factor(m.Mul(w.w, m.power64()))
	}
	m.dotPortable(dst, x, y, p, w)
}

// dotLimit is how many products of 52-bit halves accumulate in 64 bits and are
// below 2^52 after a reduction: n q^2 / 2^52 + n + q < 2^52, n < 2^12.
func dotLimit(m uint64) int {
	q := float64(m)
	return int(math.Min(4095, 0.999*(0x1p52-q-4096)/(q*q/0x1p52)))
}

// lazyGroup is how many products modulo q < 2^b kernels on float64 add up before they
// reduce, 2^(52-b), and the number from which their sums start, 2^(b+53).
func (m *Modulus) lazyGroup() (n uint64, carrier float64) {
	b := bits.Len64(m.Q)
	return 1 << (52 - b), math.Ldexp(1, b+53)
}

// dotPortable keeps sums in two words. An upper word that has grown past 2^62 is
// reduced, so that neither it nor its double leaves 64 bits.
func (m *Modulus) dotPortable(dst, x, y []uint64, p Pairs, w Factor) {
	q := m.Q
	half := 2 * p.mixed
	for k := range dst {
		var hi, lo uint64
		for i := 0; i < len(p.offsets); i += 2 {
			if i == half {
				hi, lo = 2*hi|lo>>63, 2*lo
			}
			if hi>>62 != 0 {
				hi = m.remainder(hi)
			}
			h, l := bits.Mul64(x[int(p.offsets[i])+k], y[int(p.offsets[i+1])+k])
			var carry uint64
			lo, carry = bits.Add64(lo, l, 0)
			hi += h + carry
		}
		if p.plain == 0 {
			hi, lo = 2*hi|lo>>63, 2*lo
		}
		// (hi, lo) / 2^64: the low words of it and of f q are the same.
		f, _ := bits.Mul64(lo*m.inverse, q)
		if hi < f {
			hi += q
		}
		dst[k] = less(shoup(hi-f, w.w, w.long, q), q)
	}
}
