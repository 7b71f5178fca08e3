package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// inner writes the kernels of key switches and linear maps.
func inner() {
	sums2()
	combine()
	nearest()
	scatter("scatterAVX512", false)
	scatter("scatterAddAVX512", true)
	vectors("centerIFMA", "dst, src *uint64, vectors, half, add, q, barrett uint64", func(v *pointers) {
		half, add, none := v.constant("half"), v.constant("add"), ZMM()
		reduce := reducerIFMA(v.constant("q"), v.constant("barrett"))
		zero(none)
		v.loop([]string{"src"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x, k, c := load("src"), K(), ZMM()
			VPCMPUQ(U8(6), half, x, k) // x > half
			VPADDQ_Z(add, none, k, c)
			VPADDQ(c, x, x)
			reduce(x)
			return x
		})
	})
	vectors("addIFMA", "dst, a, b *uint64, vectors, q uint64", func(v *pointers) {
		q := v.constant("q")
		v.loop([]string{"a", "b"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("a")
			VPADDQ(load("b"), x, x)
			shrink(x, q)
			return x
		})
	})
}

// term is the size of a Term: three slices.
const term = 9 * words

// sums2 writes
//
//	a, b = w (sum of S A, S B) / 2^52  mod q
//
// for rounds of four vectors. The terms' vectors begin at bytes into their slices. The
// sums are taken as dot takes them.
func sums2() {
	TEXT("innerIFMA", NOSPLIT, "func(a, b *uint64, terms *[]uint64, count, at, rounds, w, quotient, q, negative uint64)")
	Pragma("noescape")
	f := newField(true)
	w := root{spread("w"), spread("quotient"), false}
	negative := spread("negative") // -q^-1 mod 2^52
	one, r := ZMM(), GP64()
	MOVQ(U64(1), r)
	VPBROADCASTQ(r, one)
	a, b, at, rounds := loadPointer("a"), loadPointer("b"), loadPointer("at"), loadPointer("rounds")
	loop("round", rounds, func() {
		var low, high [8]reg.VecVirtual
		for i := range low {
			low[i], high[i] = ZMM(), ZMM()
			zero(low[i])
			zero(high[i])
		}
		terms, n := loadPointer("terms"), loadPointer("count")
		loop("term", n, func() {
			s, x, y := GP64(), GP64(), GP64()
			MOVQ(Mem{Base: terms}, s)
			MOVQ(Mem{Base: terms, Disp: 3 * words}, x)
			MOVQ(Mem{Base: terms, Disp: 6 * words}, y)
			ADDQ(U8(term), terms)
			for i := range 4 {
				v, u := ZMM(), ZMM()
				VMOVDQU64(Mem{Base: s, Index: at, Scale: 1, Disp: 64 * i}, v)
				VMOVDQU64(Mem{Base: x, Index: at, Scale: 1, Disp: 64 * i}, u)
				VPMADD52LUQ(u, v, low[i])
				VPMADD52HUQ(u, v, high[i])
				VMOVDQU64(Mem{Base: y, Index: at, Scale: 1, Disp: 64 * i}, u)
				VPMADD52LUQ(u, v, low[i+4])
				VPMADD52HUQ(u, v, high[i+4])
			}
		})
		for i := range low {
			l, h, t := low[i], high[i], ZMM()
			VPSRLQ(U8(52), l, t)
			VPADDQ(t, h, h)
			VPANDQ(f.mask, l, l)
			zero(t)
			VPMADD52LUQ(negative, l, t)
			VPMADD52HUQ(f.q, t, h)
			// The low halves cancel, with a carry unless they are zero.
			VPMINUQ(one, l, l)
			VPADDQ(l, h, h)
			f.times(h, w, h)
			shrink(h, f.q)
			to := Mem{Base: a, Disp: 64 * i}
			if i >= 4 {
				to = Mem{Base: b, Disp: 64 * (i - 4)}
			}
			VMOVDQU64(h, to)
		}
		for _, p := range []reg.GPVirtual{a, b, at} {
			ADDQ(U32(256), p)
		}
	})
	VZEROUPPER()
	RET()
}

// combine writes
//
//	dst = (sum over k < n of w_k x_k) / 2^52  mod q
//
// for vectors x_k that begin so many bytes in, words of x below 2^50, of w below q,
// and n at most eight: the sum over 2^52 and a q are then below 4q.
func combine() {
	TEXT("combineIFMA", NOSPLIT, "func(dst *uint64, x *[]uint64, at uint64, w *uint64, n, vectors, q, negative uint64)")
	Pragma("noescape")
	f := newField(true)
	negative := spread("negative")
	one, r := ZMM(), GP64()
	MOVQ(U64(1), r)
	VPBROADCASTQ(r, one)
	dst, at, count := loadPointer("dst"), loadPointer("at"), loadPointer("vectors")
	loop("vector", count, func() {
		l, h, t := ZMM(), ZMM(), ZMM()
		zero(l)
		zero(h)
		x, w, n := loadPointer("x"), loadPointer("w"), loadPointer("n")
		loop("source", n, func() {
			p, v := GP64(), ZMM()
			MOVQ(Mem{Base: x}, p)
			VMOVDQU64(Mem{Base: p, Index: at, Scale: 1}, v)
			VPMADD52LUQ_BCST(Mem{Base: w}, v, l)
			VPMADD52HUQ_BCST(Mem{Base: w}, v, h)
			ADDQ(U8(3*words), x)
			ADDQ(U8(words), w)
		})
		VPSRLQ(U8(52), l, t)
		VPADDQ(t, h, h)
		VPANDQ(f.mask, l, l)
		zero(t)
		VPMADD52LUQ(negative, l, t)
		VPMADD52HUQ(f.q, t, h)
		VPMINUQ(one, l, l)
		VPADDQ(l, h, h)
		shrink(h, f.twice)
		shrink(h, f.q)
		VMOVDQU64(h, Mem{Base: dst})
		ADDQ(U8(64), dst)
		ADDQ(U8(64), at)
	})
	VZEROUPPER()
	RET()
}

// nearest writes dst = floor(first + sum over k < n of share_k x_k + last), in doubles
// rounded in this order, for vectors x_k that begin so many bytes in.
func nearest() {
	TEXT("nearestAVX512", NOSPLIT, "func(dst *uint64, x *[]uint64, at uint64, share *float64, n, vectors uint64, first, last float64)")
	Pragma("noescape")
	first, last := ZMM(), ZMM()
	VBROADCASTSD(NewParamAddr("first", 6*words), first)
	VBROADCASTSD(NewParamAddr("last", 7*words), last)
	dst, at, count := loadPointer("dst"), loadPointer("at"), loadPointer("vectors")
	loop("vector", count, func() {
		sum := ZMM()
		VMOVAPD(first, sum)
		x, share, n := loadPointer("x"), loadPointer("share"), loadPointer("n")
		loop("source", n, func() {
			p, v := GP64(), ZMM()
			MOVQ(Mem{Base: x}, p)
			VCVTUQQ2PD(Mem{Base: p, Index: at, Scale: 1}, v)
			VMULPD_BCST(Mem{Base: share}, v, v)
			VADDPD(v, sum, sum)
			ADDQ(U8(3*words), x)
			ADDQ(U8(words), share)
		})
		VADDPD(last, sum, sum)
		VCVTTPD2UQQ(sum, sum)
		VMOVDQU64(sum, Mem{Base: dst})
		ADDQ(U8(64), dst)
		ADDQ(U8(64), at)
	})
	VZEROUPPER()
	RET()
}

// scatter writes vectors of src to where a permutation has them: entry k is the
// byte in dst where vector k goes, plus the number of its order within, which
// table holds.
func scatter(name string, add bool) {
	params := "dst, src *uint64, entries *uint32, table *uint64, vectors uint64"
	if add {
		params += ", q uint64"
	}
	TEXT(name, NOSPLIT, "func("+params+")")
	Pragma("noescape")
	var q reg.VecVirtual
	if add {
		q = spread("q")
	}
	dst, src, entries, table, n := loadPointer("dst"), loadPointer("src"), loadPointer("entries"), loadPointer("table"), loadPointer("vectors")
	loop("vector", n, func() {
		e, order, v := GP64(), GP64(), ZMM()
		MOVL(Mem{Base: entries}, e.As32())
		MOVQ(e, order)
		ANDQ(U8(7), order)
		SHLQ(U8(6), order)
		ANDQ(I32(-64), e)
		VMOVDQU64(Mem{Base: table, Index: order, Scale: 1}, v)
		VPERMQ(Mem{Base: src}, v, v)
		to := Mem{Base: dst, Index: e, Scale: 1}
		if add {
			VPADDQ(to, v, v)
			shrink(v, q)
		}
		VMOVDQU64(v, to)
		ADDQ(U8(4), entries)
		ADDQ(U8(64), src)
	})
	VZEROUPPER()
	RET()
}
