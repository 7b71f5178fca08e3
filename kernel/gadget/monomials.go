package gadget

import (
	"fmt"
	"math/bits"

	"qtool/kernel/cpu"
	"qtool/kernel/mod"
)

// MaxRows is the most products that Pair adds up.
const MaxRows = 60

// Monomials multiplies encrypted bits, transformed and in Montgomery form (times 2^64),
// by powers of X modulo X^n + 1 and a prime Q. Word i of a transform belongs to
// psi^(2 brv(i) + 1), where brv reverses log2 n bits. It is immutable.
//
// Factors and sums have a form R, 2^64 or where 52-bit multiply-adds serve 2^52: Pair
// divides by R, and a power has the factor R^2/2^64, so that
//
//	Pair of (Pair of powers and keys) and digits
//
// is digits times powers times keys without a factor, whatever R is.
type Monomials struct {
	q, inverse uint64 // Q^-1 mod 2^64
	n          int
	level      cpu.Level
	powers     []uint64    // psi^j R^2/2^64, j < 2n
	order      []uint32    // 2 brv(8 i) + 1, i < n/8
	lanes      [8][]uint64 // psi^(2 brv(l) e) for e = 0..7, l < 8; then the quotients for 2^52
	turn       []uint64    // X, times R
	sums       pairing
	fused      *mod.Modulus // whose kernels on float64 serve AVX2; nil elsewhere
	one        mod.Pairs    // x times y
	shrink     mod.Factor   // 2^-64
}

// pairing is what the assembly reads, broadcast.
type pairing struct {
	q, inverse uint64 // -Q^-1 mod 2^52
	folds      [3]uint64
}

// NewMonomials prepares powers of X with the fastest kernels in use, for a primitive 2n-th
// root of unity psi.
func NewMonomials(q uint64, n int, psi uint64) *Monomials {
	return NewMonomialsAt(cpu.Active, q, n, psi)
}

// NewMonomialsAt is NewMonomials with kernels that need no more than a level, which must
// not exceed what the processor has. It panics for an even modulus or one of more than
// MaxBits bits, and for n that is no power of two in 64..2^20.
func NewMonomialsAt(level cpu.Level, q uint64, n int, psi uint64) *Monomials {
	if q%2 == 0 || q>>MaxBits != 0 || n < 64 || n > 1<<20 || n&(n-1) != 0 || psi >= q {
		panic(fmt.Sprintf("gadget: powers of X of %d words modulo %d", n, q))
	}
	if level > cpu.Detected {
		panic(fmt.Sprintf("gadget: kernels for %v, the processor has %v", level, cpu.Detected))
	}
	m := &Monomials{q: q, n: n, level: level, inverse: q}
	for range 5 {
		m.inverse *= 2 - q*m.inverse
	}
	mul := func(a, b uint64) uint64 {
		hi, lo := bits.Mul64(a, b)
		_, r := bits.Div64(hi%q, lo, q)
		return r
	}
	power := func(log int) uint64 { // 2^log mod Q
		x := uint64(1)
		for range log {
			x = reduceOnce(2*x, q)
		}
		return x
	}
	first, form := power(64), power(64)
	if m.fast() {
		first, form = power(40), power(52)
	}
	plain := make([]uint64, 2*n)
	m.powers = make([]uint64, 2*n)
	for j, x := 0, uint64(1); j < 2*n; j++ {
		plain[j], m.powers[j] = x, mul(x, first)
		x = mul(x, psi)
	}
	shift := 64 - (bits.Len(uint(n)) - 1)
	reversed := func(i int) int { return int(bits.Reverse64(uint64(i)) >> shift) }
	for i := range n / 8 {
		m.order = append(m.order, uint32(2*reversed(8*i)+1))
	}
	for e := range m.lanes {
		m.lanes[e] = make([]uint64, 16)
		for l := range 8 {
			x := plain[2*reversed(l)*e%(2*n)]
			quotient, _ := bits.Div64(x>>12, x<<52, q)
			m.lanes[e][l], m.lanes[e][8+l] = x, quotient
		}
	}
	m.turn = make([]uint64, n)
	for i := range m.turn {
		m.turn[i] = mul(plain[2*reversed(i)+1], form)
	}
	if level >= cpu.AVX2 && !m.fast() {
		m.fused = mod.NewAt(level, q)
		m.one = mod.NewPairs(nil, [][2]int{{0, 0}})
		m.shrink = m.fused.DotFactor(m.fused.Inverse(power(64)))
	}
	m.sums = pairing{q: q, inverse: -m.inverse & (1<<52 - 1), folds: [3]uint64{8 * q, 4 * q, 2 * q}}
	return m
}

// fast says whether the 52-bit multiply-adds serve m.
func (m *Monomials) fast() bool { return m.level >= cpu.IFMA && m.q>>fastBits == 0 }

// Power sets dst to words from.. of the transform of X^e, with the form of a factor of
// keys in Pair. e is in 0..2n-1, and from and the length of dst are multiples of 8.
func (m *Monomials) Power(dst []uint64, e, from int) {
	if e < 0 || e >= 2*m.n || from%8 != 0 || len(dst)%8 != 0 || from < 0 || from+len(dst) > m.n {
		panic(fmt.Sprintf("gadget: words %d.. %d of X^%d, of %d words", from, len(dst), e, m.n))
	}
	if len(dst) == 0 {
		return
	}
	order, mask := m.order[from/8:][:len(dst)/8], uint64(2*m.n-1)
	if m.fast() {
		m.powerFast(dst, order, uint64(e))
		return
	}
	eighth := uint32(m.n / 4) // 2 brv(1) / 4
	for i, at := range order {
		for l, r := range [8]uint32{0, 4, 2, 6, 1, 5, 3, 7} {
			dst[8*i+l] = m.powers[uint64(at+r*eighth)*uint64(e)&mask]
		}
	}
}

// Turn is X in the form of a factor of digits in Pair.
func (m *Monomials) Turn() []uint64 { return m.turn }

// Pair sets a and b to inner products of x with keys, all reduced, divided by R:
//
//	a[i] = sum_r x[r][from+i] ka[r][at+i] / R mod Q,   b[i] = sum_r x[r][from+i] kb[r][at+i] / R mod Q
//
// a and b have the same length, a multiple of 32, and are none of the factors. There are up to
// MaxRows rows. Sums stay below 2^64 Q, as 60 Q < 2^64; in the assembly a sum divided by
// 2^52 stays below 60 Q^2 / 2^52 + Q < 16 Q < 2^54, as Q < 2^50, and is reduced by 8 Q, 4 Q, 2 Q
// and Q. Of its parts, the low halves add up to less than 60 2^52, the high ones to less
// than 60 2^48, and the carry.
func (m *Monomials) Pair(a, b []uint64, x, ka, kb [][]uint64, from, at int) {
	n := len(a)
	if len(b) != n || n%32 != 0 || len(ka) != len(x) || len(kb) != len(x) || len(x) > MaxRows || len(x) == 0 || from < 0 || at < 0 {
		panic(fmt.Sprintf("gadget: %d and %d words of %d, %d and %d rows from word %d and %d", n, len(b), len(x), len(ka), len(kb), from, at))
	}
	for r := range x {
		if len(x[r]) < from+n || len(ka[r]) < at+n || len(kb[r]) < at+n {
			panic(fmt.Sprintf("gadget: row %d of %d, %d and %d words, want %d from word %d and %d", r, len(x[r]), len(ka[r]), len(kb[r]), n, from, at))
		}
	}
	if n == 0 {
		return
	}
	if m.fast() {
		m.pairFast(a, b, x, ka, kb, from, at)
		return
	}
	if m.fused != nil {
		var terms [MaxRows]mod.Term
		for r := range x {
			terms[r] = mod.Term{S: x[r][from:][:n], A: ka[r][at:][:n], B: kb[r][at:][:n]}
		}
		m.fused.Inner(a, b, terms[:len(x)], 0)
		return
	}
	m.sum(a, x, ka, from, at)
	m.sum(b, x, kb, from, at)
}

// Multiply sets dst to x y / R mod Q, word by word, reduced: Pair of one row for one
// result. The lengths are equal and a multiple of 32. dst is neither x nor y.
func (m *Monomials) Multiply(dst, x, y []uint64) {
	if len(x) != len(dst) || len(y) != len(dst) || len(dst)%32 != 0 {
		panic(fmt.Sprintf("gadget: %d words of %d and %d factors", len(dst), len(x), len(y)))
	}
	if len(dst) == 0 {
		return
	}
	if m.fast() {
		m.multiplyFast(dst, x, y)
		return
	}
	if m.fused != nil {
		m.fused.Dot(dst, x, y, m.one, m.shrink)
		return
	}
	for i := range dst {
		h, l := bits.Mul64(x[i], y[i])
		w, _ := bits.Mul64(l*m.inverse, m.q)
		dst[i] = reduceOnce(h-w+m.q, m.q)
	}
}

// sum is one of Pair's inner products.
func (m *Monomials) sum(dst []uint64, x, k [][]uint64, from, at int) {
	for i := range dst {
		var h, l uint64
		for r := range x {
			ph, pl := bits.Mul64(x[r][from+i], k[r][at+i])
			var carry uint64
			l, carry = bits.Add64(l, pl, 0)
			h += ph + carry
		}
		w, _ := bits.Mul64(l*m.inverse, m.q)
		dst[i] = reduceOnce(h%m.q-w+m.q, m.q)
	}
}
