package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fusedNearest writes dst = floor(first + sum over k < n of share_k x_k + last), in
// doubles rounded in this order, for vectors x_k that begin so many bytes in, and
// sums in [0, 2^52). A word's number is the rounded sum of those of its halves, the
// upper one less 2^52 so that the lower may lie above 2^52: both are exact.
func fusedNearest() {
	eights("nearestAVX2", "dst *uint64, x *[]uint64, at uint64, share *float64, n, vectors uint64, first, last float64", func(v *octets) {
		first, last := v.spread("first"), v.spread("last")
		exponent, long, both := wordAVX2(0x433<<52), v.long(), YMM()
		VADDPD(exponent, long, both) // 2^84 + 2^52
		dst, at, count := loadPointer("dst"), loadPointer("at"), loadPointer("vectors")
		loop("vector", count, func() {
			var sums [2]reg.VecVirtual
			for i := range sums {
				sums[i] = YMM()
				VMOVAPD(first, sums[i])
			}
			x, share, n := loadPointer("x"), loadPointer("share"), loadPointer("n")
			loop("source", n, func() {
				p, s := GP64(), YMM()
				MOVQ(Mem{Base: x}, p)
				VBROADCASTSD(Mem{Base: share}, s)
				for i, sum := range sums {
					w, h := YMM(), YMM()
					VMOVDQU(Mem{Base: p, Index: at, Scale: 1, Disp: 32 * i}, w)
					VPSRLQ(U8(32), w, h)
					VORPD(long, h, h)
					VSUBPD(both, h, h)
					VPBLENDD(U8(0xaa), exponent, w, w)
					VADDPD(h, w, w)
					VMULPD(s, w, w)
					VADDPD(w, sum, sum)
				}
				ADDQ(U8(3*words), x)
				ADDQ(U8(words), share)
			})
			for i, sum := range sums {
				VADDPD(last, sum, sum)
				VROUNDPD(U8(3), sum, sum) // towards zero
				VADDPD(exponent, sum, sum)
				VXORPD(exponent, sum, sum)
				VMOVDQU(sum, Mem{Base: dst, Disp: 32 * i})
			}
			ADDQ(U8(64), dst)
			ADDQ(U8(64), at)
		})
	})
}

// fusedCount writes how many thresholds below 2^63 each word reaches, of so many in a
// table, for rounds of four vectors. Three are compared with thresholds, which one
// port of Intel's does, and the last has the signs of differences counted.
func fusedCount() {
	TEXT("countAVX2", NOSPLIT, "func(dst *int64, src *uint64, rounds uint64, table *uint64, n uint64)")
	Pragma("noescape")
	dst, src, rounds, table := loadPointer("dst"), loadPointer("src"), loadPointer("rounds"), loadPointer("table")
	loop("round", rounds, func() {
		var x, sum [4]reg.VecVirtual
		count := YMM()
		m, err := Param("n").Resolve()
		if err != nil {
			panic(err)
		}
		VPBROADCASTQ(m.Addr, count)
		for i := range x {
			x[i], sum[i] = YMM(), YMM()
			VMOVDQU(Mem{Base: src, Disp: 32 * i}, x[i])
			VPSRLQ(U8(1), x[i], x[i])
			VMOVDQA(count, sum[i])
		}
		p, n := GP64(), loadPointer("n")
		MOVQ(table, p)
		loop("threshold", n, func() {
			t := YMM()
			VPBROADCASTQ(Mem{Base: p}, t)
			for i := range 3 {
				c := YMM()
				VPCMPGTQ(x[i], t, c) // t > x: -1
				VPADDQ(c, sum[i], sum[i])
			}
			VPSUBQ(t, x[3], t)
			VPSRLQ(U8(63), t, t)
			VPSUBQ(t, sum[3], sum[3])
			ADDQ(U8(words), p)
		})
		// Negated if the lowest bit is 1.
		none, one := YMM(), wordAVX2(1)
		VPXOR(none, none, none)
		for i := range x {
			sign := YMM()
			VPAND(Mem{Base: src, Disp: 32 * i}, one, sign)
			VPSUBQ(sign, none, sign)
			VPXOR(sign, sum[i], sum[i])
			VPSUBQ(sign, sum[i], sum[i])
			VMOVDQU(sum[i], Mem{Base: dst, Disp: 32 * i})
		}
		ADDQ(U32(128), dst)
		ADDQ(U32(128), src)
	})
	VZEROUPPER()
	RET()
}

// fusedScatter writes vectors of eight words of src to where a permutation has them: entry k is the
// byte in dst where vector k goes, plus the number of its order within. Order o is
// the 128 bytes from 128 o of table: for each half of the result, the order of the
// eight half words of the half that it comes from, and then for each half which
// byte of the source it begins at.
func fusedScatter(name string, add bool) {
	params := "dst, src *uint64, entries *uint32, table *uint32, vectors uint64"
	if add {
		params += ", q uint64"
	}
	eights(name, params, func(v *octets) {
		var q reg.VecVirtual
		if add {
			q = v.spread("q")
		}
		dst, src, entries, table, n := loadPointer("dst"), loadPointer("src"), loadPointer("entries"), loadPointer("table"), loadPointer("vectors")
		loop("vector", n, func() {
			e, order := GP64(), GP64()
			MOVL(Mem{Base: entries}, e.As32())
			MOVQ(e, order)
			ANDQ(U8(7), order)
			SHLQ(U8(7), order)
			ADDQ(table, order)
			ANDQ(I32(-64), e)
			for half := range 2 {
				from, w := GP64(), YMM()
				MOVLQZX(Mem{Base: order, Disp: 64 + 4*half}, from)
				VMOVDQU(Mem{Base: order, Disp: 32 * half}, w)
				VPERMD(Mem{Base: src, Index: from, Scale: 1}, w, w)
				to := Mem{Base: dst, Index: e, Scale: 1, Disp: 32 * half}
				if add {
					VPADDQ(to, w, w)
					lessAVX2(w, q)
				}
				VMOVDQU(w, to)
			}
			ADDQ(U8(4), entries)
			ADDQ(U8(64), src)
		})
	})
}
