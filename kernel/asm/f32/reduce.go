package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reductions writes sums and the largest magnitude.
func reductions() {
	both(func(s isa) {
		sum(s)
		sumSquares(s)
		absMax(s)
		scaleGradient(s)
	})
}

// sum adds into 64 lanes, then in halves.
func sum(s isa) {
	begin(s, "sum", "is the sum of n values in 64 lanes.", "func(x *float32, n int) float32")
	parts := 64 / s.lanes
	sums := s.vecs(parts)
	for _, v := range sums {
		s.zero(v)
	}
	x, n := param("x"), param("n")
	SUBQ(Imm(64), n)
	JL(LabelRef("rest"))
	Label("step")
	for p, v := range sums {
		VADDPS(Mem{Base: x, Disp: 4 * s.lanes * p}, v, v)
	}
	ADDQ(U32(256), x)
	SUBQ(Imm(64), n)
	JGE(LabelRef("step"))
	Label("rest")
	ADDQ(Imm(64), n)
	for p, v := range sums {
		CMPQ(n, Imm(uint64(s.lanes)))
		JLT(LabelRef(fmt.Sprint("part", p)))
		VADDPS(Mem{Base: x, Disp: 4 * s.lanes * p}, v, v)
		SUBQ(Imm(uint64(s.lanes)), n)
	}
	JMP(LabelRef("done"))
	for p, v := range sums {
		Label(fmt.Sprint("part", p))
		k, last := GP64(), s.vec()
		MOVQ(n, k)
		t := s.mask(k)
		s.load(Mem{Base: x, Disp: 4 * s.lanes * p}, &t, last)
		VADDPS(last, v, v)
		if p < parts-1 {
			JMP(LabelRef("done"))
		}
	}
	Label("done")
	for half := parts / 2; half >= 16/s.lanes; half /= 2 {
		for p := range half {
			VADDPS(sums[p+half], sums[p], sums[p])
		}
	}
	Store(s.addLanes(sums[:16/s.lanes]).AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// sumSquares adds to 16 float64 lanes.
func sumSquares(s isa) {
	begin(s, "sumSquares", "adds the squares of n values to 16 lanes.", "func(sums *float64, x *float32, n int)")
	at64 := func(p reg.GPVirtual, part int) Mem { return Mem{Base: p, Disp: 4 * s.lanes * part} }
	to, x, n := param("sums"), param("x"), param("n")
	parts := 32 / s.lanes
	sums := s.vecs(parts)
	for p, v := range sums {
		VMOVUPD(at64(to, p), v)
	}
	Label("step")
	for p, v := range sums {
		d := s.vec()
		VCVTPS2PD(Mem{Base: x, Disp: 2 * s.lanes * p}, d)
		VMULPD(d, d, d)
		VADDPD(d, v, v)
	}
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JG(LabelRef("step"))
	for p, v := range sums {
		VMOVUPD(v, at64(to, p))
	}
	VZEROUPPER()
	RET()
}

// absMax takes the bits of magnitudes for unsigned integers: their order is the
// magnitudes', with infinity and NaN on top.
func absMax(s isa) {
	begin(s, "absMax", "is the largest magnitude of n values, as bits.", "func(x *float32, n int) uint32")
	x, n := param("x"), param("n")
	parts := 16 / s.lanes
	tops := s.vecs(parts)
	for _, v := range tops {
		s.zero(v)
	}
	mask := s.value(constantBits(1<<31 - 1))
	Label("step")
	for p, v := range tops {
		VPMAXUD(s.and(mask, Mem{Base: x, Disp: 4 * s.lanes * p}), v, v)
	}
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JG(LabelRef("step"))
	low := YMM()
	if parts == 1 {
		VEXTRACTI64X4(Imm(1), tops[0], low)
		VPMAXUD(tops[0].AsY(), low, low)
	} else {
		VPMAXUD(tops[1], tops[0], low)
	}
	half, top := XMM(), XMM()
	VEXTRACTI128(Imm(1), low, half)
	VPMAXUD(half, low.AsX(), top)
	for _, order := range []uint64{0x0e, 0x01} {
		VPSHUFD(Imm(order), top, half)
		VPMAXUD(half, top, top)
	}
	r := GP32()
	VMOVD(top, r)
	Store(r, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// scaleGradient adds to 16 float64 lanes. What a difference of float32 is here
// is exact, and so is a product in float64.
func scaleGradient(s isa) {
	begin(s, "scaleGradient", "adds dcode times d code / d ln scale of n values to 16 lanes.",
		"func(sums *float64, x, dcode *float32, n int, scale, lo, hi float32)")
	to, x, dcode, n := param("sums"), param("x"), param("dcode"), param("n")
	grid(s)()
	per, parts := s.lanes/2, 32/s.lanes // float64 values of a register, registers of sums
	sums := s.vecs(parts)
	for p, v := range sums {
		VMOVUPD(Mem{Base: to, Disp: 8 * per * p}, v)
	}
	Label("step")
	for p := 0; p < parts; p += 2 {
		ratio := s.div(s.value(Mem{Base: x, Disp: 4 * per * p}), scale)
		between := s.where(less, ratio, hi, s.where(less, lo, ratio, s.sub(s.round(ratio), ratio)))
		clamped := s.or(s.where(greaterEqual, ratio, hi, hi), s.where(lessEqual, ratio, lo, lo))
		d := s.or(between, clamped)
		u := s.where(ordered, ratio, ratio, s.value(Mem{Base: dcode, Disp: 4 * per * p}))
		for half := range 2 {
			product := s.vec()
			VMULPD(s.wide(d, half), s.wide(u, half), product)
			VADDPD(product, sums[p+half], sums[p+half])
		}
	}
	ADDQ(Imm(64), x)
	ADDQ(Imm(64), dcode)
	SUBQ(Imm(16), n)
	JG(LabelRef("step"))
	for p, v := range sums {
		VMOVUPD(v, Mem{Base: to, Disp: 8 * per * p})
	}
	VZEROUPPER()
	RET()
}

// wide is the lower or upper half of v in float64.
func (i isa) wide(v reg.VecVirtual, half int) reg.VecVirtual {
	w := i.vec()
	switch {
	case i.lanes == 16 && half == 0:
		VCVTPS2PD(v.AsY(), w)
	case i.lanes == 16:
		y := YMM()
		VEXTRACTF64X4(Imm(1), v, y)
		VCVTPS2PD(y, w)
	case half == 0:
		VCVTPS2PD(v.AsX(), w)
	default:
		x := XMM()
		VEXTRACTF128(Imm(1), v, x)
		VCVTPS2PD(x, w)
	}
	return w
}
