package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bilinear writes the sampling of a plane, 8 pixels at a time: two registers of
// four 64-bit coordinates, with pixels 0 1 4 5 and 2 3 6 7, so that a shuffle of
// both gives eight 32-bit values in order.
func bilinear() {
	s := avx2
	begin(s, "bilinear", "samples h rows of w pixels; m is as sampling in bilinear.go has it.",
		"func(dst *float32, w, h int, src *uint8, stride int, m *int64)")
	dst, h, src, m := param("dst"), param("h"), param("src"), param("m")
	tailMask := GP64()
	Load(Param("w"), tailMask)
	DECQ(tailMask)
	ANDQ(Imm(7), tailMask)
	INCQ(tailMask)
	t := s.mask(tailMask) // 1 to 8 pixels of a row's last vector

	broadcast32 := func(p string) reg.VecVirtual {
		v, x := YMM(), XMM()
		VMOVD(param(p).As32(), x)
		VPBROADCASTD(x, v)
		return v
	}
	field := func(k int) Mem { return Mem{Base: m, Disp: 8 * k} }
	stride := broadcast32("stride")
	width, height := broadcast32("w"), broadcast32("h")
	low := s.value(constantBits(^uint32(1))) // -2
	Label("row")
	u, v := s.vecs(2), s.vecs(2)
	for k := range 2 {
		VMOVDQU(field(4*k), u[k])
		VMOVDQU(field(8+4*k), v[k])
	}
	n := param("w")
	Label("pixels")
	whole := func(c []reg.VecVirtual, limit reg.VecVirtual) reg.VecVirtual {
		i := YMM()
		VSHUFPS(Imm(0xdd), c[1], c[0], i)
		VPMAXSD(low, i, i)
		VPMINSD(limit, i, i)
		return i
	}
	fraction := func(c []reg.VecVirtual) reg.VecVirtual {
		f := YMM()
		VSHUFPS(Imm(0x88), c[1], c[0], f)
		VPSRLD(Imm(16), f, f)
		return f
	}
	at := whole(v, height)
	VPMULLD(stride, at, at)
	VPADDD(whole(u, width), at, at)
	above := gather(src, at)
	VPADDD(stride, at, at)
	below := gather(src, at)
	fx := fraction(u)
	a, b := between(above, fx), between(below, fx)
	VPSUBD(a, b, b)
	fy := fraction(v)
	two16 := constant64(0x1p16)
	halves := make([]reg.VecVirtual, 2)
	for k := range halves {
		da, db, df := double(a, k), double(b, k), double(fy, k)
		VMULPD(two16, da, da)
		VMULPD(df, db, db)
		VADDPD(db, da, da)
		halves[k] = XMM()
		VCVTPD2PSY(da, halves[k])
	}
	out := YMM()
	VINSERTF128(Imm(1), halves[1], halves[0].AsY(), out)
	VDIVPS(constant(255*0x1p32), out, out)
	SUBQ(Imm(8), n)
	JLE(LabelRef("last"))
	VMOVUPS(out, Mem{Base: dst})
	ADDQ(Imm(32), dst)
	for k := range 2 {
		step := YMM()
		VPBROADCASTQ(field(16), step)
		VPADDQ(step, u[k], u[k])
		VPBROADCASTQ(field(17), step)
		VPADDQ(step, v[k], v[k])
	}
	JMP(LabelRef("pixels"))
	Label("last")
	s.store(out, &t, Mem{Base: dst})
	LEAQ(Mem{Base: dst, Index: n, Scale: 4, Disp: 32}, dst) // n is the pixels left, less 8
	for k := range 4 {
		c, step := YMM(), YMM()
		VMOVDQU(field(4*k), c)
		VPBROADCASTQ(field(18+k/2), step)
		VPADDQ(step, c, c)
		VMOVDQU(c, field(4*k))
	}
	DECQ(h)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// gather reads 4 bytes at each index.
func gather(src reg.GPVirtual, at reg.VecVirtual) reg.VecVirtual {
	v, mask := YMM(), YMM()
	VPCMPEQD(mask, mask, mask)
	VPGATHERDD(mask, Mem{Base: src, Index: at, Scale: 1}, v)
	return v
}

// between is a<<16 + (b-a)*f for the two lowest bytes a and b of pixels.
func between(pixels, f reg.VecVirtual) reg.VecVirtual {
	a, b := YMM(), YMM()
	VPAND(constantBits(255), pixels, a)
	VPSRLD(Imm(8), pixels, b)
	VPAND(constantBits(255), b, b)
	VPSUBD(a, b, b)
	VPMULLD(f, b, b)
	VPSLLD(Imm(16), a, a)
	VPADDD(b, a, a)
	return a
}

// double converts half of eight 32-bit integers.
func double(v reg.VecVirtual, half int) reg.VecVirtual {
	d := YMM()
	if half == 0 {
		VCVTDQ2PD(v.AsX(), d)
	} else {
		x := XMM()
		VEXTRACTI128(Imm(1), v, x)
		VCVTDQ2PD(x, d)
	}
	return d
}

// constant64 is a vector of one float64.
func constant64(x float64) Mem {
	m := GLOBL("double", 16|8)
	for k := range 4 {
		DATA(8*k, F64(x))
	}
	return m
}
