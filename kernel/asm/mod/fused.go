package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fused writes the kernels on vectors of words for AVX2, moduli below 2^50, by
// arithmetic on float64 with fused products and sums.
func fused() {
	eights("scaleAVX2", "dst, src *uint64, vectors uint64, w, ratio float64, constants *float64", func(v *octets) {
		f, w := v.doubles(), v.factor("w", "ratio")
		v.loop([]string{"src"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("src")
			f.fromWords(x)
			return f.words(f.times(x, w))
		})
	})
	eights("subScaleAVX2", "dst, a, b *uint64, vectors uint64, w, ratio float64, constants *float64", func(v *octets) {
		f, w := v.doubles(), v.factor("w", "ratio")
		v.loop([]string{"a", "b"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			a, b := load("a"), load("b")
			VORPD(f.exponent, a, a)
			VORPD(f.exponent, b, b)
			VSUBPD(b, a, a) // 2^52 + a - (2^52 + b)
			return f.words(f.times(a, w))
		})
	})
	eights("addScaleAVX2", "dst, a, b *uint64, vectors uint64, w, ratio float64, constants *float64", func(v *octets) {
		f, w := v.doubles(), v.factor("w", "ratio")
		v.loop([]string{"a", "b"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			b := load("b")
			f.fromWords(b)
			b = f.times(b, w)
			a := load("a")
			f.fromWords(a)
			VADDPD(a, b, b)
			f.canonical(b)
			return b
		})
	})
	eights("mulAddAVX2", "dst, x, w, c *uint64, vectors uint64, constants *float64", func(v *octets) {
		f := v.doubles()
		v.loop([]string{"x", "w", "c"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x, w := load("x"), load("w")
			f.fromWords(x)
			f.fromWords(w)
			x = f.product(x, w)
			c := load("c")
			f.fromWords(c)
			VADDPD(c, x, x)
			f.canonical(x)
			return x
		})
	})
	embed()
	eights("reduceAVX2", "dst, src *uint64, vectors, add uint64, constants *float64", func(v *octets) {
		f, long, add := v.doubles(), v.long(), v.spread("add")
		v.loop([]string{"src"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("src")
			VPADDQ(add, x, x)
			return f.anyWord(x, long)
		})
	})
	eights("centerAVX2", "dst, src *uint64, vectors, half, add uint64, constants *float64", func(v *octets) {
		f, long, half, add := v.doubles(), v.long(), v.spread("half"), v.spread("add")
		v.loop([]string{"src"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x, c := load("src"), YMM()
			VPCMPGTQ(half, x, c) // x > half
			VPAND(add, c, c)
			VPADDQ(c, x, x)
			return f.anyWord(x, long)
		})
	})
	eights("addAVX2", "dst, a, b *uint64, vectors, q uint64", func(v *octets) {
		q := v.spread("q")
		v.loop([]string{"a", "b"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x := load("a")
			VPADDQ(load("b"), x, x)
			lessAVX2(x, q)
			return x
		})
	})
	fusedCombine()
	fusedSums()
	fusedNearest()
	fusedCount()
	fusedScatter("scatterAVX2", false)
	fusedScatter("scatterAddAVX2", true)
}

// words makes words in [0, q) of numbers in (-q, q).
func (f *doubles) words(v reg.VecVirtual) reg.VecVirtual {
	f.positive(v)
	f.toWords(v)
	return v
}

// anyWord is x mod q for words of 64 bits, with 2^84, whose last 32 bits count
// multiples of 2^32. x is used up. With the number h of the upper half, a multiple of
// 2^32 below 2^64, k = round(h inverse) is off from h/q <= 2^48 by at most
// 1/2 + 2^-4, so that h - k q is an integer of at most 9/16 q, exactly; with the lower
// half, canonical has at most 2^50 + 2^32.
func (f *doubles) anyWord(x, long reg.VecVirtual) reg.VecVirtual {
	h, k := YMM(), YMM()
	VPSRLQ(U8(32), x, h)
	VORPD(long, h, h)
	VSUBPD(long, h, h)
	VPBLENDD(U8(0xaa), f.exponent, x, x) // the upper halves are those of 2^52
	VSUBPD(f.exponent, x, x)
	VMOVUPD(f.inverse, k)
	VFMADD213PD(f.rounder, h, k)
	VSUBPD(f.rounder, k, k)
	VFNMADD231PD(f.q, k, h)
	VADDPD(h, x, x)
	f.canonical(x)
	return x
}

// lessAVX2 subtracts m from words x below 2m and 2^63 that are not below m.
func lessAVX2(x, m reg.VecVirtual) {
	t := YMM()
	VPSUBQ(m, x, t)
	VBLENDVPD(t, x, t, x) // x where x - m is negative
}

// embed writes dst = v w + e mod q for any words v, from halves of 32 bits, and
// |e| < q: numbers of at most 5/8 q each, and q.
func embed() {
	eights("embedAVX2", "dst, v *uint64, e *int64, vectors uint64, w, ratio, upper, upperRatio float64, constants *float64", func(v *octets) {
		f, w, upper := v.doubles(), v.factor("w", "ratio"), v.factor("upper", "upperRatio")
		v.loop([]string{"v", "e"}, func(load func(string) reg.VecVirtual) reg.VecVirtual {
			x, h := load("v"), YMM()
			VPSRLQ(U8(32), x, h)
			f.fromWords(h)
			VPBLENDD(U8(0xaa), f.exponent, x, x)
			VSUBPD(f.exponent, x, x)
			x = f.times(x, w)
			h = f.times(h, upper)
			VADDPD(h, x, x)
			e := load("e")
			VPADDQ(f.rounder, e, e) // 1.5 2^52 + e
			VSUBPD(f.rounder, e, e)
			VADDPD(e, x, x)
			f.canonical(x)
			return x
		})
	})
}

// octets are the arguments of a kernel on so many vectors of eight words, which it
// does in halves.
type octets struct{ offset map[string]int }

func eights(name, params string, body func(*octets)) {
	TEXT(name, NOSPLIT, "func("+params+")")
	Pragma("noescape")
	body(&octets{})
	VZEROUPPER()
	RET()
}

// spread is an argument of 64 bits in all lanes.
func (*octets) spread(name string) reg.VecVirtual {
	v := YMM()
	m, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	VPBROADCASTQ(m.Addr, v)
	return v
}

// doubles holds the constants in registers.
func (*octets) doubles() *doubles { return heldDoubles(loadPointer("constants")) }

func heldDoubles(constants reg.GPVirtual) *doubles {
	f := newDoubles(constants, false)
	for _, c := range []*Op{&f.q, &f.inverse, &f.rounder, &f.exponent} {
		v := YMM()
		VBROADCASTSD(*c, v)
		*c = v
	}
	return f
}

func (v *octets) factor(w, ratio string) factor {
	return factor{w: v.spread(w), ratio: v.spread(ratio)}
}

// long is 2^84.
func (*octets) long() reg.VecVirtual { return wordAVX2(0x453 << 52) }

// wordAVX2 is a word in all lanes.
func wordAVX2(word uint64) reg.VecVirtual {
	r, x, v := GP64(), XMM(), YMM()
	MOVQ(U64(word), r)
	VMOVQ(r, x)
	VPBROADCASTQ(x, v)
	return v
}

func (*octets) loop(sources []string, body func(load func(string) reg.VecVirtual) reg.VecVirtual) {
	dst, n := loadPointer("dst"), loadPointer("vectors")
	from := map[string]reg.GPVirtual{}
	for _, s := range sources {
		from[s] = loadPointer(s)
	}
	loop("vector", n, func() {
		for half := range 2 {
			v := body(func(name string) reg.VecVirtual {
				v := YMM()
				VMOVDQU(Mem{Base: from[name], Disp: 32 * half}, v)
				return v
			})
			VMOVDQU(v, Mem{Base: dst, Disp: 32 * half})
		}
		for _, s := range sources {
			ADDQ(U8(64), from[s])
		}
		ADDQ(U8(64), dst)
	})
}
