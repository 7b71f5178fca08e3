package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bilinear writes the sampling of a plane, a vector of pixels at a time. Two registers
// hold the 64-bit coordinates of its pixels. With 16 lanes (AVX-512) the first holds
// pixels 0 to 7 and the second 8 to 15. With 8 lanes (AVX2) the first holds pixels 0, 1,
// 4, 5 and the second 2, 3, 6, 7: a shuffle that takes 32-bit halves of both works on
// each half of a register, and then gives the pixels in order.
func bilinear() {
	pairs()
	both(func(s isa) {
		begin(s, "bilinear", "samples h rows of w pixels, each a pair with the one below; m has the coordinates of a vector of pixels, then the steps.",
			"func(dst *float32, w, h int, src *uint8, stride int, m *int64)")
		dst, h, src, m := param("dst"), param("h"), param("src"), param("m")
		last := param("w")
		DECQ(last)
		ANDQ(Imm(uint64(s.lanes-1)), last)
		INCQ(last)
		t := s.maskInMemory(last) // of a row's last vector, with 1 to all lanes
		stride, width, height := s.broadcastInt("stride"), s.broadcastInt("w"), s.broadcastInt("h")
		low := s.value(constantBits(^uint32(1))) // -2
		field := func(k int) Mem { return Mem{Base: m, Disp: 8 * k} }
		coordinate := func(k int) Mem { return field(k * s.lanes / 2) }
		step := func(k int) Mem { return field(2*s.lanes + k) }
		add := func(step Mem, v reg.VecVirtual) {
			x := s.vec()
			VPBROADCASTQ(step, x)
			VPADDQ(x, v, v)
		}

		Label("row")
		u, v := s.vecs(2), s.vecs(2)
		for k := range 2 {
			VMOVUPS(coordinate(k), u[k])
			VMOVUPS(coordinate(2+k), v[k])
		}
		n := param("w")
		Label("pixels")
		out := s.sample(src, u, v, low, width, height, stride)
		SUBQ(Imm(uint64(s.lanes)), n)
		JLE(LabelRef("last"))
		VMOVUPS(out, Mem{Base: dst})
		ADDQ(Imm(uint64(4*s.lanes)), dst)
		for k := range 2 {
			add(step(0), u[k])
			add(step(1), v[k])
		}
		JMP(LabelRef("pixels"))
		Label("last")
		s.store(out, &t, Mem{Base: dst})
		LEAQ(Mem{Base: dst, Index: n, Scale: 4, Disp: 4 * s.lanes}, dst) // n is the pixels left, less a vector
		for k := range 4 {
			c := s.value(coordinate(k))
			add(step(2+k/2), c)
			VMOVUPS(c, coordinate(k))
		}
		DECQ(h)
		JNZ(LabelRef("row"))
		VZEROUPPER()
		RET()
	})
}

// pairs writes the interleaving of two streams of bytes.
func pairs() {
	s := avx2
	begin(s, "pairs", "writes bytes k of x and of y side by side, for k < n, n a positive multiple of 32.", "func(dst, x, y *uint8, n int)")
	dst, x, y, n := param("dst"), param("x"), param("y"), param("n")
	Label("step")
	a, b, low, high := YMM(), YMM(), YMM(), YMM()
	// The unpacking works in halves: bring quarters 0 2 1 3 of the bytes there.
	VPERMQ(Imm(0xd8), Mem{Base: x}, a)
	VPERMQ(Imm(0xd8), Mem{Base: y}, b)
	VPUNPCKLBW(b, a, low)
	VPUNPCKHBW(b, a, high)
	VMOVDQU(low, Mem{Base: dst})
	VMOVDQU(high, Mem{Base: dst, Disp: 32})
	ADDQ(Imm(64), dst)
	ADDQ(Imm(32), x)
	ADDQ(Imm(32), y)
	SUBQ(Imm(32), n)
	JG(LabelRef("step"))
	VZEROUPPER()
	RET()
}

// broadcastInt is a register full of an argument's low 32 bits.
func (i isa) broadcastInt(name string) reg.VecVirtual {
	v, x := i.vec(), XMM()
	VMOVD(param(name).As32(), x)
	VPBROADCASTD(x, v)
	return v
}

// sample interpolates at the coordinates u and v.
func (i isa) sample(src reg.GPVirtual, u, v []reg.VecVirtual, low, width, height, stride reg.VecVirtual) reg.VecVirtual {
	whole := func(c []reg.VecVirtual, limit reg.VecVirtual) reg.VecVirtual {
		x := i.words(c, 1)
		VPMAXSD(low, x, x)
		VPMINSD(limit, x, x)
		return x
	}
	fraction := func(c []reg.VecVirtual) reg.VecVirtual {
		f := i.words(c, 0)
		VPSRLD(Imm(16), f, f)
		return f
	}
	at := whole(v, height)
	VPMULLD(stride, at, at)
	VPADDD(whole(u, width), at, at)
	pixels := i.gather(src, at)
	below := i.vec()
	VPSRLD(Imm(8), pixels, below)
	fx := fraction(u)
	a, b := i.between(pixels, fx), i.between(below, fx)
	VPSUBD(a, b, b)
	fy := fraction(v)
	halves := make([]reg.VecVirtual, 2)
	for k := range halves {
		da, db, df := i.double(a, k), i.double(b, k), i.double(fy, k)
		VMULPD(constant64(0x1p16), da, da)
		VMULPD(df, db, db)
		VADDPD(db, da, da)
		if i.lanes == 16 {
			halves[k] = YMM()
			VCVTPD2PS(da, halves[k])
		} else {
			halves[k] = XMM()
			VCVTPD2PSY(da, halves[k])
		}
	}
	out := i.vec()
	if i.lanes == 16 {
		VINSERTF64X4(Imm(1), halves[1], halves[0].AsZ(), out)
	} else {
		VINSERTF128(Imm(1), halves[1], halves[0].AsY(), out)
	}
	VDIVPS(constant(255*0x1p32), out, out)
	return out
}

// words are the low (half 0) or high 32 bits of the pixels' coordinates.
func (i isa) words(c []reg.VecVirtual, half int) reg.VecVirtual {
	x := i.vec()
	if i.lanes == 16 {
		VMOVUPS(evenWords(half), x)
		VPERMI2D(c[1], c[0], x)
	} else {
		VSHUFPS(Imm([]uint64{0x88, 0xdd}[half]), c[1], c[0], x)
	}
	return x
}

var wordTables [2]Mem

// evenWords are the numbers 0, 2, ... 30, plus half.
func evenWords(half int) Mem {
	if wordTables[half].Symbol.Name == "" {
		wordTables[half] = GLOBL([]string{"lowWords", "highWords"}[half], 16|8)
		for k := range 16 {
			DATA(4*k, U32(uint32(2*k+half)))
		}
	}
	return wordTables[half]
}

// gather reads two pairs of bytes at each index.
func (i isa) gather(src reg.GPVirtual, at reg.VecVirtual) reg.VecVirtual {
	v, m := i.vec(), Mem{Base: src, Index: at, Scale: 2}
	if i.lanes == 16 {
		k := K()
		KXNORW(k, k, k)
		VPGATHERDD(m, k, v)
	} else {
		mask := i.vec()
		VPCMPEQD(mask, mask, mask)
		VPGATHERDD(mask, m, v)
	}
	return v
}

// between is a<<16 + (b-a)*f for the first and the third byte a and b of pixels.
func (i isa) between(pixels, f reg.VecVirtual) reg.VecVirtual {
	a, b := i.and(pixels, constantBits(255)), i.vec()
	VPSRLD(Imm(16), pixels, b)
	b = i.and(b, constantBits(255))
	VPSUBD(a, b, b)
	VPMULLD(f, b, b)
	VPSLLD(Imm(16), a, a)
	VPADDD(b, a, a)
	return a
}

// double converts half of a vector of 32-bit integers.
func (i isa) double(v reg.VecVirtual, half int) reg.VecVirtual {
	d := i.vec()
	switch {
	case i.lanes == 16 && half == 0:
		VCVTDQ2PD(v.AsY(), d)
	case i.lanes == 16:
		y := YMM()
		VEXTRACTI64X4(Imm(1), v, y)
		VCVTDQ2PD(y, d)
	case half == 0:
		VCVTDQ2PD(v.AsX(), d)
	default:
		x := XMM()
		VEXTRACTI128(Imm(1), v, x)
		VCVTDQ2PD(x, d)
	}
	return d
}

var doubles = map[float64]Mem{}

// constant64 is a vector of one float64.
func constant64(x float64) Mem {
	m, ok := doubles[x]
	if !ok {
		m = GLOBL(fmt.Sprintf("all%016x", math.Float64bits(x)), 16|8)
		for k := range 8 {
			DATA(8*k, F64(x))
		}
		doubles[x] = m
	}
	return m
}
