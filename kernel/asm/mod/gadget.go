package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// external writes the kernels of external products for AVX2, in package gadget.
func external() {
	gadgetSplit()
	gadgetInner()
	gadgetAdd()
}

// gadgetSplit writes the digits of x = lift + (a xor flip) - b, which is brought to
// [-q/2, q/2]. Adding 2^(drop-1) for the rounding and B/2 in each lower digit's place
// leaves a shift and a mask for each; 2^62 makes the sum positive:
//
//	u = x + 2^62 + 2^(drop-1) + sum_{j < lower} B/2 2^(drop + j base)
//	digit j = floor(u / 2^(drop + j base)) mod B - B/2,   j < lower
//	the last = floor(u / s) - 2^62 / s,   s = 2^(drop + lower base)
//
// That is exact for q below 2^58 and s of at most 2^62: then 0 <= u < 2^64, and 2^62 is
// a multiple of s. A negative digit d becomes d + q.
func gadgetSplit() {
	eights("splitAVX2", "dst **uint64, a, b *uint64, vectors uint64, flip, lift, q, half, constant, digitHalf, digitMask, drop, base, lower, least uint64", func(v *octets) {
		flip, lift, q, half := v.spread("flip"), v.spread("lift"), v.spread("q"), v.spread("half")
		constant, digitHalf, mask, least := v.spread("constant"), v.spread("digitHalf"), v.spread("digitMask"), v.spread("least")
		minus, drop, base := YMM(), XMM(), XMM()
		VPXOR(minus, minus, minus)
		VPSUBQ(half, minus, minus)
		VMOVQ(loadPointer("drop"), drop)
		VMOVQ(loadPointer("base"), base)
		dst, a, b, n := loadPointer("dst"), loadPointer("a"), loadPointer("b"), loadPointer("vectors")
		lower := loadPointer("lower")
		SHLQ(U8(1), n) // of four words
		at := GP64()
		XORQ(at, at)
		store := func(d reg.VecVirtual, to reg.GPVirtual) {
			t := YMM()
			VPADDQ(q, d, t)
			VBLENDVPD(d, t, d, d)
			VMOVDQU(d, Mem{Base: to, Index: at, Scale: 1})
		}
		loop("vector", n, func() {
			x, c := YMM(), YMM()
			VPXOR(Mem{Base: a, Index: at, Scale: 1}, flip, x)
			VPADDQ(lift, x, x)
			VPSUBQ(Mem{Base: b, Index: at, Scale: 1}, x, x)
			VPCMPGTQ(half, x, c) // x > q/2
			VPAND(q, c, c)
			VPSUBQ(c, x, x)
			c = YMM()
			VPCMPGTQ(x, minus, c) // x < -q/2
			VPAND(q, c, c)
			VPADDQ(c, x, x)
			VPADDQ(constant, x, x)
			VPSRLQ(drop, x, x)
			j, to := GP64(), GP64()
			XORQ(j, j)
			Label("digit")
			CMPQ(j, lower)
			JGE(LabelRef("last"))
			d := YMM()
			VPAND(mask, x, d)
			VPSUBQ(digitHalf, d, d)
			VPSRLQ(base, x, x)
			MOVQ(Mem{Base: dst, Index: j, Scale: words}, to)
			store(d, to)
			INCQ(j)
			JMP(LabelRef("digit"))
			Label("last")
			VPSUBQ(least, x, x)
			MOVQ(Mem{Base: dst, Index: j, Scale: words}, to)
			store(x, to)
			ADDQ(U8(32), at)
		})
	})
}

// gadgetInner writes
//
//	dst = w sum_r digits[r] keys[r]  mod q
//
// for rounds of eight words, in lazy sums.
func gadgetInner() {
	eights("innerAVX2", "dst *uint64, digits, keys **uint64, rows, rounds uint64, group uint64, carrier, w, ratio float64, constants *float64", func(v *octets) {
		f, carrier := v.doubles(), v.spread("carrier")
		dst, digits, keys, rounds := loadPointer("dst"), loadPointer("digits"), loadPointer("keys"), loadPointer("rounds")
		at := GP64()
		XORQ(at, at)
		loop("round", rounds, func() {
			s := newLazySums(f, carrier, 2)
			n, d, k := loadPointer("rows"), GP64(), GP64()
			MOVQ(digits, d)
			MOVQ(keys, k)
			s.groups("row", n, func() {
				x, y := GP64(), GP64()
				MOVQ(Mem{Base: d}, x)
				MOVQ(Mem{Base: k}, y)
				for i := range s.sums {
					u := f.fromMemory(Mem{Base: x, Index: at, Scale: 1, Disp: 32 * i})
					s.add(i, u, f.fromMemory(Mem{Base: y, Index: at, Scale: 1, Disp: 32 * i}))
				}
				ADDQ(U8(words), d)
				ADDQ(U8(words), k)
			})
			w := v.factor("w", "ratio")
			for i := range s.sums {
				VMOVDQU(s.finish(i, w), Mem{Base: dst, Index: at, Scale: 1, Disp: 32 * i})
			}
			ADDQ(U8(64), at)
		})
	})
}

// gadgetAdd writes dst = dst + src mod q.
func gadgetAdd() {
	eights("addAVX2", "dst, src *uint64, vectors, q uint64", func(v *octets) {
		q := v.spread("q")
		v.loop([]string{"dst", "src"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("dst")
			VPADDQ(load("src"), x, x)
			lessAVX2(x, q)
			return x
		})
	})
}
