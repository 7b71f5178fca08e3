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
