package mod

import (
	"fmt"
	"math/bits"
)

// Factor is a constant w below q, prepared for products by Shoup's method:
// x w - floor(x w' / 2^k) q, with w' = floor(w 2^k / q), is in [0, 2q).
//
// Reference: Harvey, "Faster arithmetic for number-theoretic transforms", 2014.
type Factor struct {
	w           uint64
	long, short uint64 // w' for words of 64 and of 52 bits
	upper       [2]uint64

	// For float64: w and 2^32 w mod q in [-q/2, q/2], with their ratios to q.
	number, ratio           float64
	upperNumber, upperRatio float64
}

// Factor prepares w, which it reduces.
func (m *Modulus) Factor(w uint64) Factor {
	w %= m.Q
	f := Factor{w: w, long: m.quotient(w, 64)}
	if m.fast() {
		f.short = m.quotient(w, 52)
		f.upper[0] = m.Mul(w, 1<<52%m.Q)
		f.upper[1] = m.quotient(f.upper[0], 52)
	}
	if m.fused() {
		f.number, f.ratio = m.centered(w)
		f.upperNumber, f.upperRatio = m.centered(m.Mul(w, 1<<32%m.Q))
	}
	return f
}

// Fixed is a vector of constants, prepared for products like a Factor.
type Fixed struct{ w, quotients []uint64 }

// Fixed prepares w and keeps it. It panics if a word is not below q, which would have no
// quotient of 52 or 64 bits. Kernels on float64 need no quotients.
func (m *Modulus) Fixed(w []uint64) Fixed {
	f := Fixed{w: w}
	if !m.fused() || len(w)%8 != 0 {
		f.quotients = make([]uint64, len(w))
	}
	shift := 64
	if m.fast() {
		shift = 52
	}
	for i, v := range w {
		if v >= m.Q {
			panic(fmt.Sprintf("mod: word %d of a fixed vector is not below the modulus %d", i, m.Q))
		}
		if f.quotients != nil {
			f.quotients[i] = m.quotient(v, shift)
		}
	}
	return f
}

// shoup is x w mod q in [0, 2q), for any word x, where quotient is
// floor(w 2^64 / q).
func shoup(x, w, quotient, q uint64) uint64 {
	h, _ := bits.Mul64(x, quotient)
	return x*w - h*q
}

// less is x - m if that is not negative, else x.
func less(x, m uint64) uint64 {
	if x >= m {
		return x - m
	}
	return x
}

// remainder is x mod q, for any word x.
func (m *Modulus) remainder(x uint64) uint64 {
	h, _ := bits.Mul64(x, m.barrett)
	return less(x-h*m.Q, m.Q)
}

// same panics unless all lengths are n.
func same(n int, lengths ...int) {
	for _, l := range lengths {
		if l != n {
			panic(fmt.Sprintf("mod: vectors of %d and %d words", n, l))
		}
	}
}
