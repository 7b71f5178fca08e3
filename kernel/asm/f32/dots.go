package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dotProducts writes a kernel for every tile of g rows and x offsets: up to 4 x 5
// sums of one 16-lane register each, or 3 x 2, 2 x 3 or 1 x 6 of two 8-lane registers.
func dotProducts() {
	for rows := 1; rows <= 4; rows++ {
		for offsets := 1; offsets <= 5; offsets++ {
			dots(avx512, rows, offsets)
		}
	}
	for rows := 1; rows <= 3; rows++ {
		for offsets := 1; offsets <= 6/rows; offsets++ {
			dots(avx2, rows, offsets)
		}
	}
}

// These bits of a dots kernel's argument stage say what it does with the 16 lanes of
// each sum: it begins from zeros, not from sums, and adds them up into dst at the end,
// instead of writing them to sums.
const (
	dotsBegin = 1 << iota
	dotsEnd
)

func dots(s isa, rows, offsets int) {
	TEXT(fmt.Sprintf("dots%s_%dx%d", s.name, rows, offsets), NOSPLIT,
		"func(dst *float32, dstRow int, sums *float32, stage int, grad *float32, gRow, gStep int, x *float32, off *int, xStep, n, runs int)")
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
	}
	// eachSum calls f with every register of sums and its place in memory.
	eachSum := func(f func(v reg.VecVirtual, m Mem)) {
		p := param("sums")
		for k := range sums {
			for part, v := range sums[k] {
				f(v, Mem{Base: p, Disp: 64*k + 4*s.lanes*part})
			}
		}
	}
	stage := param("stage")
	TESTQ(I32(dotsBegin), stage)
	JNZ(LabelRef("zeros"))
	eachSum(func(v reg.VecVirtual, m Mem) { VMOVUPS(m, v) })
	JMP(LabelRef("start"))
	Label("zeros")
	for k := range sums {
		for _, v := range sums[k] {
			s.zero(v)
		}
	}
	Label("start")
	j := GP64()
	// step adds 16 products to every sum; t selects the lanes of each part. The side
	// of fewer vectors stays in registers, so that 12 sums leave room enough of 16.
	step := func(t []tail) {
		part := func(p int) *tail {
			if t == nil {
				return nil
			}
			return &t[p]
		}
		few, many := px, pg
		sum := func(i, k int) []reg.VecVirtual { return sums[k*offsets+i] }
		if len(few) > len(many) {
			few, many = many, few
			sum = func(i, k int) []reg.VecVirtual { return sums[i*offsets+k] }
		}
		for p := range parts {
			held := s.vecs(len(few))
			for i := range few {
				s.load(at(few[i], j, 4, 4*s.lanes*p), part(p), held[i])
			}
			for k := range many {
				other := s.vec()
				s.load(at(many[k], j, 4, 4*s.lanes*p), part(p), other)
				for i := range few {
					product := other // the last product may take its place
					if i < len(few)-1 {
						product = s.vec()
					}
					VMULPS(other, held[i], product)
					VADDPS(product, sum(i, k)[p], sum(i, k)[p])
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
		step([]tail{s.maskInMemory(low), s.maskInMemory(high)})
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

	stage = param("stage")
	TESTQ(I32(dotsEnd), stage)
	JNZ(LabelRef("end"))
	eachSum(func(v reg.VecVirtual, m Mem) { VMOVUPS(v, m) })
	VZEROUPPER()
	RET()

	Label("end")
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
