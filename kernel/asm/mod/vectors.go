package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pointwise writes the kernels on vectors of words, for moduli below 2^50. Each
// takes so many vectors of eight words.
func pointwise() {
	vectors("reduceIFMA", "dst, src *uint64, vectors, add, q, barrett uint64", func(v *pointers) {
		q := v.constant("q")
		reduce := reducerIFMA(q, v.constant("barrett"))
		add := v.constant("add")
		v.loop([]string{"src"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("src")
			VPADDQ(add, x, x)
			reduce(x)
			return x
		})
	})
	vectors("scaleIFMA", "dst, src *uint64, vectors, w, quotient, q uint64", func(v *pointers) {
		f := newField(true)
		w := root{v.constant("w"), v.constant("quotient"), false}
		v.loop([]string{"src"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("src")
			f.times(x, w, x)
			shrink(x, f.q)
			return x
		})
	})
	vectors("subScaleIFMA", "dst, a, b *uint64, vectors, w, quotient, q uint64", func(v *pointers) {
		f := newField(true)
		w := root{v.constant("w"), v.constant("quotient"), false}
		v.loop([]string{"a", "b"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			a := load("a")
			VPADDQ(f.q, a, a)
			VPSUBQ(load("b"), a, a)
			f.times(a, w, a)
			shrink(a, f.q)
			return a
		})
	})
	vectors("addScaleIFMA", "dst, a, b *uint64, vectors, w, quotient, q uint64", func(v *pointers) {
		f := newField(true)
		w := root{v.constant("w"), v.constant("quotient"), false}
		v.loop([]string{"a", "b"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			b := load("b")
			f.times(b, w, b)
			VPADDQ(load("a"), b, b)
			shrink(b, f.twice)
			shrink(b, f.q)
			return b
		})
	})
	vectors("mulAddIFMA", "dst, x, w, quotients, c *uint64, vectors, q uint64", func(v *pointers) {
		f := newField(true)
		v.loop([]string{"x", "w", "quotients", "c"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("x")
			f.times(x, root{load("w"), load("quotients"), false}, x)
			VPADDQ(load("c"), x, x)
			shrink(x, f.twice)
			shrink(x, f.q)
			return x
		})
	})
	vectors("embedIFMA", "dst, v *uint64, e *int64, vectors, w, quotient, upper, upperQuotient, q uint64", func(v *pointers) {
		f := newField(true)
		w := root{v.constant("w"), v.constant("quotient"), false}
		upper := root{v.constant("upper"), v.constant("upperQuotient"), false}
		v.loop([]string{"v", "e"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x, h := load("v"), ZMM()
			VPSRLQ(U8(52), x, h)
			f.times(x, w, x)
			f.times(h, upper, h)
			VPADDQ(h, x, x)
			shrink(x, f.twice)
			VPADDQ(load("e"), x, x)
			VPADDQ(f.q, x, x) // from 0 to below 4q
			shrink(x, f.twice)
			shrink(x, f.q)
			return x
		})
	})
	dot()
	count()
}

// pointers are the arguments that a kernel on vectors steps through.
type pointers struct{ at map[string]reg.GPVirtual }

func vectors(name, params string, body func(*pointers)) {
	TEXT(name, NOSPLIT, "func("+params+")")
	Pragma("noescape")
	body(&pointers{})
	VZEROUPPER()
	RET()
}

func (*pointers) constant(name string) reg.VecVirtual { return spread(name) }

func (*pointers) loop(sources []string, body func(load func(string) reg.VecVirtual) reg.VecVirtual) {
	dst, n := loadPointer("dst"), loadPointer("vectors")
	from := map[string]reg.GPVirtual{}
	for _, s := range sources {
		from[s] = loadPointer(s)
	}
	loop("vector", n, func() {
		v := body(func(name string) reg.VecVirtual {
			v := ZMM()
			VMOVDQU64(Mem{Base: from[name]}, v)
			return v
		})
		VMOVDQU64(v, Mem{Base: dst})
		for _, s := range sources {
			ADDQ(U8(64), from[s])
		}
		ADDQ(U8(64), dst)
	})
}

// dot writes
//
//	dst = w (2 sum_{k < mixed} x[xs_k] y[ys_k] + sum_{k >= mixed} x[xs_k] y[ys_k]) / 2^52  mod q
//
// for rounds of four vectors. pairs holds offsets in words, two a product. Products
// accumulate in halves of 52 bits, are reduced once by Montgomery's method, and
// multiplied by w by Shoup's.
func dot() {
	TEXT("dotIFMA", NOSPLIT, "func(dst, x, y *uint64, pairs *int64, mixed, plain, rounds, w, quotient, q, negative uint64)")
	Pragma("noescape")
	f := newField(true)
	w := root{spread("w"), spread("quotient"), false}
	negative := spread("negative") // -q^-1 mod 2^52
	one, r := ZMM(), GP64()
	MOVQ(U64(1), r)
	VPBROADCASTQ(r, one)
	dst, x, y, rounds := loadPointer("dst"), loadPointer("x"), loadPointer("y"), loadPointer("rounds")
	loop("round", rounds, func() {
		var low, high [4]reg.VecVirtual
		for i := range low {
			low[i], high[i] = ZMM(), ZMM()
			zero(low[i])
			zero(high[i])
		}
		pairs := loadPointer("pairs")
		products := func(label, number string) {
			n := loadPointer(number)
			TESTQ(n, n)
			JZ(LabelRef(label + "Done"))
			loop(label, n, func() {
				a, b := GP64(), GP64()
				MOVQ(Mem{Base: pairs}, a)
				MOVQ(Mem{Base: pairs, Disp: words}, b)
				ADDQ(U8(2*words), pairs)
				for i := range low {
					v := ZMM()
					VMOVDQU64(Mem{Base: x, Index: a, Scale: words, Disp: 64 * i}, v)
					m := Mem{Base: y, Index: b, Scale: words, Disp: 64 * i}
					VPMADD52LUQ(m, v, low[i])
					VPMADD52HUQ(m, v, high[i])
				}
			})
			Label(label + "Done")
		}
		products("mixed", "mixed")
		for i := range low {
			VPADDQ(low[i], low[i], low[i])
			VPADDQ(high[i], high[i], high[i])
		}
		products("plain", "plain")
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
			VMOVDQU64(h, Mem{Base: dst, Disp: 64 * i})
		}
		for _, p := range []reg.GPVirtual{dst, x, y} {
			ADDQ(U32(256), p)
		}
	})
	VZEROUPPER()
	RET()
}

// count writes how many thresholds each word reaches, of so many in a table.
func count() {
	TEXT("countAVX512", NOSPLIT, "func(dst *int64, src *uint64, vectors uint64, table *uint64, n uint64)")
	Pragma("noescape")
	dst, src, vectors, table := loadPointer("dst"), loadPointer("src"), loadPointer("vectors"), loadPointer("table")
	ones := ZMM()
	VPTERNLOGQ(U8(255), ones, ones, ones)
	loop("vector", vectors, func() {
		// The lowest bit of a word is its sign.
		x, sign, sum := ZMM(), ZMM(), ZMM()
		VMOVDQU64(Mem{Base: src}, x)
		VPSLLQ(U8(63), x, sign)
		VPSRAQ(U8(63), sign, sign)
		VPSRLQ(U8(1), x, x)
		zero(sum)
		p, n := GP64(), loadPointer("n")
		MOVQ(table, p)
		loop("threshold", n, func() {
			k := K()
			VPCMPUQ_BCST(U8(5), Mem{Base: p}, x, k) // x >= threshold
			VPSUBQ(ones, sum, k, sum)
			ADDQ(U8(words), p)
		})
		// Negated if the sign is -1.
		VPXORQ(sign, sum, sum)
		VPSUBQ(sign, sum, sum)
		VMOVDQU64(sum, Mem{Base: dst})
		ADDQ(U8(64), dst)
		ADDQ(U8(64), src)
	})
	VZEROUPPER()
	RET()
}
