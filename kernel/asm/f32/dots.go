package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dotProducts writes a kernel for every tile of g rows and x offsets: 4 x 5
// sums of one 16-lane register each, or 2 x 2 of two 8-lane registers.
func dotProducts() {
	for rows := 1; rows <= 4; rows++ {
		for offsets := 1; offsets <= 5; offsets++ {
			dots(avx512, rows, offsets)
		}
	}
	for rows := 1; rows <= 2; rows++ {
		for offsets := 1; offsets <= 2; offsets++ {
			dots(avx2, rows, offsets)
		}
	}
}

func dots(s isa, rows, offsets int) {
	TEXT(fmt.Sprintf("dots%s_%dx%d", s.name, rows, offsets), NOSPLIT,
		"func(dst *float32, dstRow int, grad *float32, gRow, gStep int, x *float32, off *int, xStep, n, runs int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("dots%s_%dx%d adds the dot products of %d rows of g with x at %d offsets to dst.", s.name, rows, offsets, rows, offsets))
	parts := 16 / s.lanes
	pg, px := make([]reg.GPVirtual, rows), make([]reg.GPVirtual, offsets)
	pg[0] = param("grad")
	row := param("gRow")
	for r := 1; r < rows; r++ {
		pg[r] = GP64()
		LEAQ(at(pg[r-1], row, 4, 0), pg[r])
	}
	x, off := param("x"), param("off")
	for t := range px {
		px[t] = GP64()
		MOVQ(Mem{Base: off, Disp: 8 * t}, px[t])
		LEAQ(at(x, px[t], 4, 0), px[t])
	}
	sums := make([][]reg.VecVirtual, rows*offsets)
	for k := range sums {
		sums[k] = s.vecs(parts)
		for _, v := range sums[k] {
			s.zero(v)
		}
	}
	j := GP64()
	// step adds 16 products to every sum; t selects the lanes of each part.
	step := func(t []tail) {
		part := func(p int) *tail {
			if t == nil {
				return nil
			}
			return &t[p]
		}
		for p := range parts {
			g := s.vecs(rows)
			for r := range rows {
				s.load(at(pg[r], j, 4, 4*s.lanes*p), part(p), g[r])
			}
			for o := range offsets {
				in := s.vec()
				s.load(at(px[o], j, 4, 4*s.lanes*p), part(p), in)
				for r := range rows {
					product := s.vec()
					VMULPS(in, g[r], product)
					VADDPS(product, sums[r*offsets+o][p], sums[r*offsets+o][p])
				}
			}
		}
	}
	runs := param("runs")
	Label("run")
	n := param("n")
	XORQ(j, j)
	SUBQ(Imm(16), n)
	JL(LabelRef("rest"))
	Label("step")
	step(nil)
	ADDQ(Imm(16), j)
	SUBQ(Imm(16), n)
	JGE(LabelRef("step"))
	Label("rest")
	ADDQ(Imm(16), n)
	JZ(LabelRef("next"))
	if parts == 1 {
		step([]tail{s.mask(n)})
	} else {
		low, high, limit := GP64(), GP64(), GP64()
		MOVQ(U64(8), limit)
		MOVQ(n, low)
		CMPQ(n, limit)
		CMOVQGT(limit, low)
		MOVQ(n, high)
		SUBQ(low, high)
		step([]tail{s.mask(low), s.mask(high)})
	}
	Label("next")
	gStep, xStep := param("gStep"), param("xStep")
	for _, p := range pg {
		LEAQ(at(p, gStep, 4, 0), p)
	}
	for _, p := range px {
		LEAQ(at(p, xStep, 4, 0), p)
	}
	DECQ(runs)
	JNZ(LabelRef("run"))

	dst, dstRow := param("dst"), param("dstRow")
	for r := range rows {
		for o := range offsets {
			sum := s.addLanes(sums[r*offsets+o])
			VADDSS(Mem{Base: dst, Disp: 4 * o}, sum, sum)
			VMOVSS(sum, Mem{Base: dst, Disp: 4 * o})
		}
		if r < rows-1 {
			LEAQ(at(dst, dstRow, 4, 0), dst)
		}
	}
	VZEROUPPER()
	RET()
}

// addLanes adds 16 lanes in halves: lane k and k+8, then k+4, k+2 and k+1.
func (s isa) addLanes(v []reg.VecVirtual) reg.VecVirtual {
	low, high := YMM(), YMM()
	if s.lanes == 16 {
		VEXTRACTF64X4(Imm(1), v[0], high)
		VADDPS(high, v[0].AsY(), low)
	} else {
		VADDPS(v[1], v[0], low)
	}
	half, sum := XMM(), XMM()
	if s.lanes == 16 {
		VEXTRACTF32X4(Imm(1), low, half) // can name every register
	} else {
		VEXTRACTF128(Imm(1), low, half)
	}
	VADDPS(half, low.AsX(), sum)
	VMOVHLPS(sum, sum, half)
	VADDPS(half, sum, sum)
	VMOVSHDUP(sum, half)
	VADDSS(half, sum, sum)
	return sum
}
