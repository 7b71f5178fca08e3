package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// products writes a tile kernel for every number of rows and vectors: 8 x 3 or
// 6 x 4 of 16 lanes fill 24 of 32 registers with sums, 6 x 2 of 8 lanes 12 of 16.
func products() {
	for rows := 1; rows <= 6; rows++ {
		product(avx512, rows, 4)
	}
	for rows := 1; rows <= 8; rows++ {
		for vectors := 1; vectors <= 3; vectors++ {
			product(avx512, rows, vectors)
		}
	}
	for rows := 1; rows <= 6; rows++ {
		for vectors := 1; vectors <= 2; vectors++ {
			product(avx2, rows, vectors)
		}
	}
}

func product(s isa, rows, vectors int) {
	TEXT(fmt.Sprintf("product%s_%dx%d", s.name, rows, vectors), NOSPLIT,
		"func(dst *float32, dstRow int, init *float32, a *float32, aRow int, b *float32, terms *int, count, tiles, last int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("product%s_%dx%d is tiles times %d rows of %d vectors, the last of last lanes.", s.name, rows, vectors, rows, vectors))
	dst, a, aRow, b, tiles := param("dst"), param("a"), param("aRow"), param("b"), param("tiles")
	mask := s.mask
	// Sums, inputs, a factor and a product may leave no register for lanes.
	if rows*vectors+vectors+2 >= s.registers {
		mask = s.maskInMemory
	}
	t := mask(param("last"))
	SHLQ(Imm(2), aRow)
	row := rowAddress(aRow, rows)
	sums, in := make([][]reg.VecVirtual, rows), s.vecs(vectors)
	for r := range sums {
		sums[r] = s.vecs(vectors)
	}
	part := func(v int) *tail {
		if v == vectors-1 {
			return &t
		}
		return nil
	}
	// eachOutput calls f with the address of every vector of dst.
	eachOutput := func(f func(r, v int, m Mem)) {
		p, step := GP64(), param("dstRow")
		SHLQ(Imm(2), step)
		MOVQ(dst, p)
		for r := range rows {
			for v := range vectors {
				f(r, v, Mem{Base: p, Disp: 4 * s.lanes * v})
			}
			if r < rows-1 {
				ADDQ(step, p)
			}
		}
	}

	Label("tile")
	init := param("init")
	TESTQ(init, init)
	JZ(LabelRef("add"))
	for r := range rows {
		for v := range vectors {
			if v == 0 {
				VBROADCASTSS(Mem{Base: init, Disp: 4 * r}, sums[r][0])
			} else {
				VMOVAPS(sums[r][0], sums[r][v])
			}
		}
	}
	JMP(LabelRef("start"))
	Label("add")
	eachOutput(func(r, v int, m Mem) { s.load(m, part(v), sums[r][v]) })

	Label("start")
	terms, count := param("terms"), param("count")
	Label("term")
	pa, pb := GP64(), GP64()
	MOVQ(Mem{Base: terms}, pa)
	MOVQ(Mem{Base: terms, Disp: 8}, pb)
	LEAQ(at(a, pa, 4, 0), pa)
	LEAQ(at(b, pb, 4, 0), pb)
	for v := range vectors {
		s.load(Mem{Base: pb, Disp: 4 * s.lanes * v}, part(v), in[v])
	}
	for r := range rows {
		factor := s.vec()
		VBROADCASTSS(row(pa, r), factor)
		for v := range vectors {
			p := factor // the last product may take its place
			if v < vectors-1 {
				p = s.vec()
			}
			VMULPS(in[v], factor, p)
			VADDPS(p, sums[r][v], sums[r][v])
		}
	}
	ADDQ(Imm(16), terms)
	DECQ(count)
	JNZ(LabelRef("term"))

	eachOutput(func(r, v int, m Mem) { s.store(sums[r][v], part(v), m) })
	ADDQ(U32(uint32(4*s.lanes*vectors)), dst)
	ADDQ(U32(uint32(4*s.lanes*vectors)), b)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// rowAddress is a function to address row r from a pointer to row 0.
func rowAddress(step reg.GPVirtual, rows int) func(p reg.GPVirtual, r int) Mem {
	odd := map[int]reg.GPVirtual{1: step}
	for _, k := range []int{3, 5, 7} {
		if rows > k {
			odd[k] = GP64()
			if k == 7 {
				LEAQ(at(odd[3], step, 4, 0), odd[k])
			} else {
				LEAQ(at(step, step, uint8(k-1), 0), odd[k])
			}
		}
	}
	return func(p reg.GPVirtual, r int) Mem {
		if r == 0 {
			return Mem{Base: p}
		}
		scale := uint8(1)
		for r%2 == 0 {
			r, scale = r/2, scale*2
		}
		return at(p, odd[r], scale, 0)
	}
}
