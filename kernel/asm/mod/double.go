package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// doubles is arithmetic modulo an odd q in 2^16..2^50 on lanes of float64, all of
// them integers, with fused products and sums (fma). Every result is exact: there
// is no rounding but of quotients, whose error is bounded here.
//
// round(v) is fma's own rounding: with R = 1.5 2^52, v + R lies in [2^52, 2^53] for
// |v| <= 2^51, where float64 has the integers alone, and (v + R) - R is exact. So
// k = fma(x, y, R) - R is an integer with |k - x y| <= 1/2.
//
// No lane is ever -0 if none was: a sum is -0 only if both terms are; the product's
// d + l below has l = +0 where a w is zero; and a difference of equal words is +0.
// The sign of a lane therefore says whether it is negative.
//
// References: van der Hoeven, Lecerf, Quintin, "Modular SIMD arithmetic in
// Mathemagix", 2016, section 3; the module fft_small of FLINT.
type doubles struct {
	wide     bool // vectors of 64 bytes, for AVX512
	q        Op   // q in all lanes
	inverse  Op   // the float64 nearest to 1/q
	rounder  Op   // R = 1.5 2^52
	exponent Op   // 2^52, as a word the exponent 0x433 above 52 zeros
	skewed   Op   // R + 2^49, in the place of R for longer factors, see times
	once     Op   // 2^52 + q
	twice    Op   // 2^52 + 2q
}

// newDoubles takes the constants from memory: seven times eight equal lanes, see
// Modulus.double.
func newDoubles(constants reg.GPVirtual, wide bool) *doubles {
	at := func(i int) Op { return Mem{Base: constants, Disp: 64 * i} }
	return &doubles{wide: wide, q: at(0), inverse: at(1), rounder: at(2), exponent: at(3), skewed: at(4), once: at(5), twice: at(6)}
}

// vector is a new register.
func (f *doubles) vector() reg.VecVirtual {
	if f.wide {
		return ZMM()
	}
	return YMM()
}

// bytes is the size of a vector.
func (f *doubles) bytes() int {
	if f.wide {
		return 64
	}
	return 32
}

// load and store move a vector from and to memory.
func (f *doubles) load(m Op) reg.VecVirtual {
	v := f.vector()
	VMOVUPD(m, v)
	return v
}

func (f *doubles) store(v reg.VecVirtual, m Op) { VMOVUPD(v, m) }

// spread is a word of memory in all lanes.
func (f *doubles) spread(m Op) reg.VecVirtual {
	v := f.vector()
	VBROADCASTSD(m, v)
	return v
}

// fromWords makes numbers of words below 2^52: under the exponent of 2^52 they are
// the low bits of 2^52 + v.
func (f *doubles) fromWords(v reg.VecVirtual) {
	VORPD(f.exponent, v, v)
	VSUBPD(f.exponent, v, v)
}

// toWords makes words of numbers in [0, 2^52).
func (f *doubles) toWords(v reg.VecVirtual) {
	VADDPD(f.exponent, v, v)
	VXORPD(f.exponent, v, v)
}

// factor is a constant |w| <= q/2 and the float64 nearest to w/q, each in all lanes
// of a register or of memory; or, with word, where it is in memory, in one word of
// it, which is then spread.
type factor struct {
	w, ratio Op
	word     bool
}

// times is y w mod q, for |y| <= 2^52, in a new register:
//
//	|y w| <= q (1/2 + |y| / 2^55), which is at most 5/8 q
//
// y is used up. Proof: |w/q| <= 1/2 and the ratio is off by at most 2^-55, so
// |y ratio| <= 2^51 and k = round(y ratio) has |k - y w / q| <= 1/2 + |y| / 2^55:
// the bound for r = y w - k q. h = fl(y w) and l = fma(y, w, -h) have h + l = y w
// exactly. Where |y w| <= 2^53, h = y w and l = 0; else h is an integer, |h| <= 2^101
// and |l| <= 2^47. Either way d = h - k q = r - l is an integer below 2^53, so that
// fma gives it exactly, and so is r = d + l.
//
// With the rounder R + 2^49, y may be as long as 5/4 2^52: v + R + 2^49 lies in
// [2^52, 2^53 + 2^50] for |v| <= 5/4 2^51, where float64 has the integers up to 2^53
// and the even ones above, where only v > 3/4 2^51 comes. So
//
//	|y w| <= q (1/2 + |y| / 2^55) for |y| <= 3/4 2^52, q (1 + |y| / 2^55) else
//
// with |h| <= 2^102, |l| <= 2^48 and still |d| < 2^53.
func (f *doubles) times(y reg.VecVirtual, c factor) reg.VecVirtual {
	k := f.bring(c.ratio, c.word)
	VFMADD213PD(f.rounder, y, k) // k y + R
	VSUBPD(f.rounder, k, k)
	w := c.w
	if _, memory := w.(Mem); memory && c.word {
		w = f.spread(w)
	}
	h := f.vector()
	VMULPD(w, y, h)
	VFMSUB132PD(w, h, y) // y w - h
	VFNMADD231PD(f.q, k, h)
	VADDPD(y, h, h)
	return h
}

// bring loads what is in all lanes or, with word, in one word of memory.
func (f *doubles) bring(o Op, word bool) reg.VecVirtual {
	if _, memory := o.(Mem); memory && word {
		return f.spread(o)
	}
	return f.load(o)
}

// product is a b mod q, for |a b| <= 3/2 2^50 q, in a new register:
//
//	|a b| <= q (1/2 + |a b / q| / 2^52 + 2^-50), which is below 7/8 q + 1
//
// For a and b in (-q, q) that is below 3/4 q + 1, for a and b of at most q/2 + 1
// below 5/8 q + 1. a is used up, b is not. Proof: h = fl(a b) and the inverse are off
// by a part of 2^-53 each, so |h inverse| < 2^51 and k = round(h inverse) is
// off from a b / q by at most 1/2 + |a b / q| (2^-52 + 2^-106). The rest is that of
// times: |h| < 2^101.
func (f *doubles) product(a reg.VecVirtual, b Op) reg.VecVirtual {
	h, k := f.vector(), f.vector()
	VMULPD(b, a, h)
	VMOVUPD(f.inverse, k)
	VFMADD213PD(f.rounder, h, k)
	VSUBPD(f.rounder, k, k)
	VFMSUB132PD(b, h, a) // a b - h
	VFNMADD231PD(f.q, k, h)
	VADDPD(a, h, h)
	return h
}

// reduce brings v, of at most 2^53 either way, to |v| <= q/2 + 1. Proof: |v inverse|
// <= 2^37 is off from v / q by at most |v / q| 2^-53, so that |v - k q| <= q/2 +
// |v| 2^-53; it is an integer below 2^53, which fma gives exactly.
func (f *doubles) reduce(v reg.VecVirtual) {
	k := f.vector()
	VMOVUPD(f.inverse, k)
	VFMADD213PD(f.rounder, v, k)
	VSUBPD(f.rounder, k, k)
	VFNMADD231PD(f.q, k, v)
}

// positive adds q to what is negative: it brings (-q, q) to [0, q).
func (f *doubles) positive(v reg.VecVirtual) {
	if f.wide {
		negative := K()
		VPMOVQ2M(v, negative)
		VADDPD(f.q, v, negative, v)
		return
	}
	t := f.vector()
	VADDPD(f.q, v, t)
	VBLENDVPD(v, t, v, v) // t where the sign of v is set
}

// canonical brings v, of at most 2^53 either way, to words in [0, q).
func (f *doubles) canonical(v reg.VecVirtual) {
	f.reduce(v)
	f.positive(v)
	f.toWords(v)
}
