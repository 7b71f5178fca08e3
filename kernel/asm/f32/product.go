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
	k := productTile{isa: s, rows: rows, vectors: vectors, dst: param("dst"), b: param("b"), tiles: param("tiles")}
	a, aRow := param("a"), param("aRow")
	SHLQ(Imm(2), aRow)
	if rows <= 6 {
		k.factors = rowPointers(a, aRow, rows)
	} else { // too few registers for a pointer a row
		row, p := rowAddress(aRow, rows), GP64()
		k.moved = func(offset reg.GPVirtual) { LEAQ(at(a, offset, 4, 0), p) }
		k.factors = func(_ reg.GPVirtual, r int) Mem { return row(p, r) }
	}
	last := param("last")
	if s.lanes == 16 { // a mask costs nothing
		t := s.mask(last)
		k.body("", &t)
		return
	}
	CMPQ(last, Imm(uint64(s.lanes)))
	JNE(LabelRef("masked"))
	k.body("", nil)
	Label("masked")
	mask := s.mask
	// Sums, inputs, a factor and a product may leave no register for lanes.
	if rows*vectors+vectors+2 >= s.registers {
		mask = s.maskInMemory
	}
	t := mask(last)
	k.body("Masked", &t)
}

// productTile is the part of a product's kernel that goes over tiles of columns.
type productTile struct {
	isa
	rows, vectors int
	dst, b, tiles reg.GPVirtual
	// factors is where the factor of row r is, for a term whose factors begin offset
	// values behind a; moved prepares that, if it is not nil.
	factors func(offset reg.GPVirtual, r int) Mem
	moved   func(offset reg.GPVirtual)
}

// body writes the loop and returns from the kernel; t selects the lanes of a tile's
// last vector, and is nil for all. Labels end in name.
func (k productTile) body(name string, t *tail) {
	s, rows, vectors, dst, b, tiles := k.isa, k.rows, k.vectors, k.dst, k.b, k.tiles
	sums, in := make([][]reg.VecVirtual, rows), s.vecs(vectors)
	for r := range sums {
		sums[r] = s.vecs(vectors)
	}
	part := func(v int) *tail {
		if v == vectors-1 {
			return t
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

	Label("tile" + name)
	init := param("init")
	TESTQ(init, init)
	JZ(LabelRef("add" + name))
	for r := range rows {
		for v := range vectors {
			if v == 0 {
				VBROADCASTSS(Mem{Base: init, Disp: 4 * r}, sums[r][0])
			} else {
				VMOVAPS(sums[r][0], sums[r][v])
			}
		}
	}
	JMP(LabelRef("start" + name))
	Label("add" + name)
	eachOutput(func(r, v int, m Mem) { s.load(m, part(v), sums[r][v]) })

	// The terms are addressed from their end, by an index that counts up to zero:
	// one instruction fewer a term than a pointer and a count.
	Label("start" + name)
	end, left := param("terms"), param("count")
	SHLQ(Imm(4), left)
	ADDQ(left, end)
	NEGQ(left)
	Label("term" + name)
	pa, pb := GP64(), GP64()
	MOVQ(at(end, left, 1, 0), pa)
	MOVQ(at(end, left, 1, 8), pb)
	if k.moved != nil {
		k.moved(pa)
	}
	for v := range vectors {
		s.load(at(b, pb, 4, 4*s.lanes*v), part(v), in[v])
	}
	for r := range rows {
		factor := s.vec()
		VBROADCASTSS(k.factors(pa, r), factor)
		for v := range vectors {
			p := factor // the last product may take its place
			if v < vectors-1 {
				p = s.vec()
			}
			VMULPS(in[v], factor, p)
			VADDPS(p, sums[r][v], sums[r][v])
		}
	}
	ADDQ(Imm(16), left)
	JNZ(LabelRef("term" + name))

	eachOutput(func(r, v int, m Mem) { s.store(sums[r][v], part(v), m) })
	ADDQ(U32(uint32(4*s.lanes*vectors)), dst)
	ADDQ(U32(uint32(4*s.lanes*vectors)), b)
	DECQ(tiles)
	JNZ(LabelRef("tile" + name))
	VZEROUPPER()
	RET()
}

// rowPointers is a function to address, in each of rows rows that begin step bytes
// apart, the value offset values behind the row's begin.
func rowPointers(a, step reg.GPVirtual, rows int) func(offset reg.GPVirtual, r int) Mem {
	p := make([]reg.GPVirtual, rows)
	p[0] = a
	for r := 1; r < rows; r++ {
		p[r] = GP64()
		LEAQ(at(p[r-1], step, 1, 0), p[r])
	}
	return func(offset reg.GPVirtual, r int) Mem { return at(p[r], offset, 4, 0) }
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
