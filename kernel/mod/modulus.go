package mod

import (
	"fmt"
	"math/bits"

	"qtool/kernel/cpu"
)

// MaxBits is the largest length of a modulus.
const MaxBits = 61

// fastBits is the length up to which 52-bit words hold four times a modulus;
// below minFastBits, the assembly's quotients are not precise enough.
const fastBits, minFastBits = 50, 16

// Modulus is a prime and what reductions modulo it need. It is immutable.
type Modulus struct {
	Q     uint64
	level cpu.Level

	barrett uint64 // floor(2^64 / q)
	inverse uint64 // q^-1 mod 2^64

	double *doubles // nil unless fused

	products int    // that fit a sum of Dot's kernel
	lattigo  Factor // what undoes one Montgomery form of 64 bits behind that kernel
}

// New prepares the odd prime q, of at most MaxBits bits, with the fastest
// kernels in use. Whether q is prime is not checked.
func New(q uint64) *Modulus { return NewAt(cpu.Active, q) }

// NewAt is New with kernels that need no more than a level, which must not
// exceed what the processor has.
func NewAt(level cpu.Level, q uint64) *Modulus {
	if q < 3 || q%2 == 0 || q>>MaxBits != 0 {
		panic(fmt.Sprintf("mod: modulus %d is not an odd number of at most %d bits", q, MaxBits))
	}
	if level > cpu.Detected {
		panic(fmt.Sprintf("mod: kernels for %v, the processor has %v", level, cpu.Detected))
	}
	if q>>minFastBits == 0 {
		level = cpu.Portable
	}
	m := &Modulus{Q: q, level: level}
	m.barrett, _ = bits.Div64(1, 0, q)
	m.inverse = q // right to three bits; each step doubles them
	for range 5 {
		m.inverse *= 2 - q*m.inverse
	}
	if m.fast() {
		m.products = dotLimit(q)
		m.lattigo = m.DotFactor(m.Inverse(m.power64()))
	}
	if m.fused() {
		m.double = newDoubles(q)
		m.lattigo = m.DotFactor(m.Inverse(m.power64()))
	}
	return m
}

// power64 is 2^64 mod q.
func (m *Modulus) power64() uint64 { return -(m.barrett * m.Q) }

// fast says whether kernels of 52-bit multiply-adds serve m.
func (m *Modulus) fast() bool { return m.level >= cpu.IFMA && m.Q>>fastBits == 0 }

// fused says whether kernels of fused products and sums of float64 serve m. They
// are written for AVX2, which the 52-bit multiply-add is preferred to.
func (m *Modulus) fused() bool {
	return m.level >= cpu.AVX2 && m.level < cpu.IFMA && m.Q>>fastBits == 0
}

// Mul is a*b mod q, for a and b below q.
func (m *Modulus) Mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return bits.Rem64(hi, lo, m.Q)
}

// Power is a^e mod q, for a below q.
func (m *Modulus) Power(a, e uint64) uint64 {
	r := uint64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			r = m.Mul(r, a)
		}
		a = m.Mul(a, a)
	}
	return r
}

// Inverse is a^-1 mod q.
func (m *Modulus) Inverse(a uint64) uint64 { return m.Power(a%m.Q, m.Q-2) }

// Residue is v mod q in [0, q).
func (m *Modulus) Residue(v int64) uint64 {
	r := v % int64(m.Q)
	if r < 0 {
		r += int64(m.Q)
	}
	return uint64(r)
}

// quotient is floor(w 2^shift / q), for w below q: what Shoup's product with a
// constant needs beside w.
func (m *Modulus) quotient(w uint64, shift int) uint64 {
	quotient, _ := bits.Div64(w>>(64-shift), w<<shift, m.Q)
	return quotient
}
