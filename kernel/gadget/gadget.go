// Package gadget has the kernels of an external product (ring ciphertext times
// encrypted bit) besides the transform, and the inner loop of linear maps on
// 32-bit words. Every kernel has a portable twin in Go that defines its result;
// results are canonical, so that twin and assembly agree to the last bit.
package gadget

//go:generate go -C ../asm run ./mod -part gadget -to ../gadget/fused

import (
	"fmt"
	"math"
	"math/bits"

	"qtool/kernel/cpu"
)

// Limits of a gadget: the digits of a residue, and the bits of a modulus.
const (
	MaxLevels = 6
	MaxBits   = 58
)

// fastBits is the length of moduli that 52-bit multiply-adds serve, and products on
// float64 from minFusedBits + 1 on.
const fastBits, minFusedBits = 50, 16

// Gadget takes residues modulo a prime Q apart into Levels digits of Base bits,
// after the Drop lowest bits are rounded away. It is immutable: goroutines may
// share it.
type Gadget struct {
	Q                  uint64
	Drop, Base, Levels int
	level              cpu.Level
	inverse            uint64    // Q^-1 mod 2^64
	split              splitting // for the assembly
	inner              reducing
	sums               *summing // for kernels on float64; nil unless they serve Q
}

// splitting and reducing are what the assembly reads, broadcast.
type splitting struct {
	q, half, bias, digitHalf, digitMask uint64
	drop, base                          uint64
	lower                               uint64 // digits besides the most significant
}

type reducing struct {
	q        uint64
	inverse  uint64 // -Q^-1 mod 2^52
	back     uint64 // 2^-12 mod Q: from 2^52 to 2^64
	quotient uint64 // of back, for 2^52
}

// summing is what kernels on float64 need for sums of products modulo Q < 2^b: as many
// as may be added up without a reduction, 2^(52-b); the number from which they start,
// 2^(b+53); the factor 2^-64 mod Q in [-Q/2, Q/2], with its ratio to Q; and, eight
// times each, Q, the float64 nearest to 1/Q, 1.5 2^52, 2^52, 1.5 2^52 + 2^49.
type summing struct {
	group                  uint64
	carrier, factor, ratio float64
	constants              [5][8]float64
}

func newSumming(q uint64) *summing {
	b := bits.Len64(q)
	s := &summing{group: 1 << (52 - b), carrier: math.Ldexp(1, b+53)}
	back := uint64(1)
	for range 64 { // halved modulo Q
		back = back/2 + back%2*(q/2+1)
	}
	s.factor = float64(back)
	if back > q/2 {
		s.factor = -float64(q - back)
	}
	s.ratio = s.factor / float64(q)
	for i := range 8 {
		for c, v := range [5]float64{float64(q), 1 / float64(q), 3 << 51, 1 << 52, 3<<51 + 1<<49} {
			s.constants[c][i] = v
		}
	}
	return s
}

// New prepares a gadget with the fastest kernels in use.
func New(q uint64, drop, base, levels int) *Gadget {
	return NewAt(cpu.Active, q, drop, base, levels)
}

// NewAt is New with kernels that need no more than a level, which must not
// exceed what the processor has. It panics for an even modulus or one of more
// than MaxBits bits, and digits that are not 1..MaxLevels of 1..32 bits.
func NewAt(level cpu.Level, q uint64, drop, base, levels int) *Gadget {
	if q%2 == 0 || q>>MaxBits != 0 || drop < 0 || drop >= MaxBits || base < 1 || base > 32 || levels < 1 || levels > MaxLevels {
		panic(fmt.Sprintf("gadget: %d digits of %d bits above %d of modulus %d", levels, base, drop, q))
	}
	if level > cpu.Detected {
		panic(fmt.Sprintf("gadget: kernels for %v, the processor has %v", level, cpu.Detected))
	}
	g := &Gadget{Q: q, Drop: drop, Base: base, Levels: levels, level: level}
	g.inverse = q // right to three bits; each step doubles them
	for range 5 {
		g.inverse *= 2 - q*g.inverse
	}
	g.split = splitting{
		q: q, half: q / 2, digitHalf: 1 << (base - 1), digitMask: 1<<base - 1,
		drop: uint64(drop), base: uint64(base), lower: uint64(levels - 1),
	}
	if drop > 0 {
		g.split.bias = 1 << (drop - 1)
	}
	if q>>fastBits == 0 {
		back := uint64(1)
		for range 12 { // halved modulo Q
			back = back/2 + back%2*(q/2+1)
		}
		quotient, _ := bits.Div64(back>>12, back<<52, q)
		g.inner = reducing{q, -g.inverse & (1<<52 - 1), back, quotient}
	}
	if level >= cpu.AVX2 && !g.fast() && q>>fastBits == 0 && q>>minFusedBits != 0 {
		g.sums = newSumming(q)
	}
	return g
}

// fast says whether the 52-bit multiply-adds serve g.
func (g *Gadget) fast() bool { return g.level >= cpu.IFMA && g.Q>>fastBits == 0 }

// Split takes the coefficients of x = a - b or, if negate, x = -a - b apart:
//
//	sum_j dst[j] 2^(Drop + j Base) = x (mod Q)   within 2^(Drop-1),
//
// where all digits but the last are in [-B/2, B/2) and the last is what remains,
// at most B/2 in size where Q <= 2^(Drop + Levels Base). Negative digits are
// stored as residues. a and b must be reduced; their lengths and the lengths
// of dst must be equal, and multiples of 8 for the assembly, or it panics.
func (g *Gadget) Split(dst [][]uint64, a, b []uint64, negate bool) {
	if len(dst) != g.Levels || len(a) != len(b) {
		panic(fmt.Sprintf("gadget: %d digits of %d and %d words, want %d", len(dst), len(a), len(b), g.Levels))
	}
	for _, d := range dst {
		if len(d) != len(a) {
			panic(fmt.Sprintf("gadget: %d words of digits for %d", len(d), len(a)))
		}
	}
	done := 0
	if g.level >= cpu.AVX512 || g.level >= cpu.AVX2 && g.Drop+(g.Levels-1)*g.Base <= 62 {
		done = g.splitFast(dst, a, b, negate)
	}
	g.splitPortable(dst, a, b, negate, done)
}

func (g *Gadget) splitPortable(dst [][]uint64, a, b []uint64, negate bool, from int) {
	q, half, bias := int64(g.Q), int64(g.split.half), int64(g.split.bias)
	digitHalf, mask := int64(g.split.digitHalf), int64(g.split.digitMask)
	sign, lift := int64(1), int64(0)
	if negate {
		sign, lift = -1, q
	}
	last := g.Levels - 1
	for i := from; i < len(a); i++ {
		x := lift + sign*int64(a[i]) - int64(b[i]) // in (-Q, Q]
		if x > half {
			x -= q
		}
		if x < -half {
			x += q
		}
		x = (x + bias) >> g.Drop
		for j := range last {
			d := (x+digitHalf)&mask - digitHalf
			x = (x - d) >> g.Base
			dst[j][i] = uint64(d + q&(d>>63))
		}
		dst[last][i] = uint64(x + q&(x>>63))
	}
}

// Inner sets dst to the inner product of digits and keys, a key being in
// Montgomery form (times 2^64):
//
//	dst[i] = sum_r digits[r][i] keys[r][i] 2^-64 mod Q.
//
// Digits and keys must be reduced, and there may be 2 MaxLevels of them at most.
// dst may be none of them. Sums of 12 products stay below 2^64 Q, as 12 Q < 2^64; in
// the assembly a sum divided by 2^52 stays below 12 Q^2 / 2^52 + Q < 4 Q <= 2^52, as
// Q < 2^50.
func (g *Gadget) Inner(dst []uint64, digits, keys [][]uint64) {
	if len(digits) != len(keys) || len(digits) > 2*MaxLevels {
		panic(fmt.Sprintf("gadget: %d digits and %d keys", len(digits), len(keys)))
	}
	for r := range digits {
		if len(digits[r]) != len(dst) || len(keys[r]) != len(dst) {
			panic(fmt.Sprintf("gadget: %d words of digits and %d of keys for %d", len(digits[r]), len(keys[r]), len(dst)))
		}
	}
	done := 0
	switch {
	case g.fast():
		done = g.innerFast(dst, digits, keys)
	case g.sums != nil:
		done = g.innerFused(dst, digits, keys)
	}
	for i := done; i < len(dst); i++ {
		var h, l uint64
		for r, d := range digits {
			ph, pl := bits.Mul64(d[i], keys[r][i])
			var carry uint64
			l, carry = bits.Add64(l, pl, 0)
			h += ph + carry
		}
		m, _ := bits.Mul64(l*g.inverse, g.Q)
		dst[i] = reduceOnce(h-m+g.Q, g.Q)
	}
}

// reduceOnce is x mod q for x below 2q.
func reduceOnce(x, q uint64) uint64 {
	if x >= q {
		x -= q
	}
	return x
}

// Add sets dst to dst + src mod Q, all reduced.
func (g *Gadget) Add(dst, src []uint64) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("gadget: %d words added to %d", len(src), len(dst)))
	}
	done := 0
	if g.level >= cpu.AVX2 {
		done = g.addFast(dst, src)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = reduceOnce(dst[i]+src[i], g.Q)
	}
}

// AddMul adds w*src to dst, modulo 2^32. It panics if src is shorter than dst.
func AddMul(dst, src []uint32, w uint32) { AddMulAt(cpu.Active, dst, src, w) }

// AddMulAt is AddMul with kernels that need no more than a level.
func AddMulAt(level cpu.Level, dst, src []uint32, w uint32) {
	src = src[:len(dst)]
	done := 0
	if level >= cpu.AVX2 {
		done = addMulFast(level, dst, src, w)
	}
	for i := done; i < len(dst); i++ {
		dst[i] += w * src[i]
	}
}
