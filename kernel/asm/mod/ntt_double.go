package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// doubleTransforms writes the passes of the number theoretic transform for moduli
// below 2^50 on float64. Between passes x holds numbers, not words; the bounds of
// their absolute values are those of fused.go in qtool/kernel/mod.
func doubleTransforms() {
	doublePass("forward4FirstAVX2", entering)
	doublePass("forward4LazyAVX2", lazy)
	doublePass("forward4AVX2", reducing)
	doublePass("inverse4AVX2", inverting)
	doublePass("last4AVX2", leaving)
	for _, vectors := range []int{4, 8} {
		doubleBlock(vectors, forward)
		doubleBlock(vectors, inverse)
	}
}

// doubleKind is what a pass of two layers does beside them.
type doubleKind int

const (
	entering  doubleKind = iota // forward, from words below 4q
	lazy                        // forward
	reducing                    // forward, one of four reduced
	inverting                   // inverse
	leaving                     // inverse, divided by n and reduced, to words
)

// doublePass writes two layers on groups of four runs of vectors, run after run,
// with one root in the layer of the wider butterflies and two in the narrower one.
func doublePass(name string, kind doubleKind) {
	params := "x *uint64, run, groups uint64, constants, roots0, roots1 *float64"
	if kind == leaving {
		params += ", scale *float64"
	}
	TEXT(name, NOSPLIT, "func("+params+")")
	Pragma("noescape")
	f := newDoubles(loadPointer("constants"), false)
	if kind >= inverting {
		f.rounder = f.skewed
	}
	f.q, f.rounder = f.load(f.q), f.load(f.rounder)
	x, run, groups := loadPointer("x"), loadPointer("run"), loadPointer("groups")
	roots0, roots1 := loadPointer("roots0"), loadPointer("roots1")
	var scale factor
	if kind == leaving {
		scale = f.wordFactor(loadPointer("scale"), 0)
	}
	offset := f.twice(kind == entering)
	SHLQ(U8(5), run) // bytes
	triple := GP64()
	LEAQ(Mem{Base: run, Index: run, Scale: 2}, triple)
	loop("group", groups, func() {
		wide := f.heldFactor(roots0, 0)
		narrow := []factor{f.heldFactor(roots1, 0), f.heldFactor(roots1, 1)}
		end := GP64()
		LEAQ(Mem{Base: x, Index: run, Scale: 1}, end)
		Label("vector")
		at := []Mem{{Base: x}, {Base: x, Index: run, Scale: 1}, {Base: x, Index: run, Scale: 2}, {Base: x, Index: triple, Scale: 1}}
		v := make([]reg.VecVirtual, 4)
		for i := range v {
			v[i] = f.load(at[i])
			if kind == entering {
				f.enter(v[i], offset)
			}
		}
		switch kind {
		case inverting:
			f.inverseFour(v, wide, narrow)
		case leaving:
			f.inverseFour(v, wide, narrow, scale)
		default:
			if kind == reducing {
				f.reduce(v[0])
			}
			f.forwardFour(v, wide, narrow)
		}
		for i := range v {
			f.store(v[i], at[i])
		}
		ADDQ(U8(f.bytes()), x)
		CMPQ(x, end)
		JNE(LabelRef("vector"))
		ADDQ(U8(16), roots0)
		ADDQ(U8(32), roots1)
		ADDQ(triple, x) // which has moved one run on
	})
	VZEROUPPER()
	RET()
}

// wordFactor is factor i of a table of pairs, in memory; heldFactor has w, which is
// used twice, in a register.
func (f *doubles) wordFactor(table reg.GPVirtual, i int) factor {
	return factor{Mem{Base: table, Disp: 2 * words * i}, Mem{Base: table, Disp: 2*words*i + words}, true}
}

func (f *doubles) heldFactor(table reg.GPVirtual, i int) factor {
	c := f.wordFactor(table, i)
	c.w = f.spread(c.w)
	return c
}

// twice is 2^52 + 2q, or 2^52 + q.
func (f *doubles) twice(two bool) reg.VecVirtual {
	v := f.load(f.exponent)
	VADDPD(f.q, v, v)
	if two {
		VADDPD(f.q, v, v)
	}
	return v
}

// enter makes numbers of words, less what offset has above 2^52.
func (f *doubles) enter(v, offset reg.VecVirtual) {
	VORPD(f.exponent, v, v)
	VSUBPD(offset, v, v)
}

// forwardTwo is x, y = x + wy, x - wy.
func (f *doubles) forwardTwo(v []reg.VecVirtual, i, j int, w factor) {
	y := f.times(v[j], w)
	d := f.vector()
	VSUBPD(y, v[i], d)
	VADDPD(y, v[i], v[i])
	v[j] = d
}

// forwardFour is two layers on four vectors.
func (f *doubles) forwardFour(v []reg.VecVirtual, wide factor, narrow []factor) {
	f.forwardTwo(v, 0, 2, wide)
	f.forwardTwo(v, 1, 3, wide)
	f.forwardTwo(v, 0, 1, narrow[0])
	f.forwardTwo(v, 2, 3, narrow[1])
}

// inverseTwo is x, y = x + y, (x - y) w.
func (f *doubles) inverseTwo(v []reg.VecVirtual, i, j int, w factor) {
	d := f.vector()
	VSUBPD(v[j], v[i], d)
	VADDPD(v[j], v[i], v[i])
	v[j] = f.times(d, w)
}

// inverseFour is two layers on four vectors, with a scale also the division by n
// and what makes words.
func (f *doubles) inverseFour(v []reg.VecVirtual, wide factor, narrow []factor, scale ...factor) {
	f.inverseTwo(v, 0, 1, narrow[0])
	f.inverseTwo(v, 2, 3, narrow[1])
	f.inverseTwo(v, 0, 2, wide)
	f.inverseTwo(v, 1, 3, wide)
	if len(scale) == 0 {
		f.reduce(v[0])
		return
	}
	v[0], v[1] = f.times(v[0], scale[0]), f.times(v[1], scale[0])
	f.reduce(v[0]) // the factors of these two may be longer than 3q
	f.reduce(v[2])
	for i := range v {
		f.positive(v[i])
		f.toWords(v[i])
	}
}

// doubleBlock writes the layers within four or eight vectors: two or three across
// them, and two across the lanes of each four, for which the vectors are transposed.
// For these lanes holds three pairs of vectors.
func doubleBlock(vectors int, d direction) {
	name := map[direction]string{forward: "forward", inverse: "inverse"}[d] + map[int]string{4: "16AVX2", 8: "32AVX2"}[vectors]
	params := "x *uint64, blocks uint64, constants, roots0, roots1"
	if vectors == 8 {
		params += ", roots2"
	}
	TEXT(name, NOSPLIT, "func("+params+", lanes *float64)")
	Pragma("noescape")
	f := newDoubles(loadPointer("constants"), false)
	if d == inverse {
		f.rounder = f.skewed
	}
	f.q, f.rounder = f.load(f.q), f.load(f.rounder)
	x, blocks, lanes := loadPointer("x"), loadPointer("blocks"), loadPointer("lanes")
	tables := []reg.GPVirtual{loadPointer("roots0"), loadPointer("roots1")}
	if vectors == 8 {
		tables = append(tables, loadPointer("roots2"))
	}
	var offset reg.VecVirtual
	if d == inverse {
		offset = f.twice(false)
	}
	within := func(four, i int) factor {
		at := f.bytes() * 2 * (3*four + i)
		return factor{Mem{Base: lanes, Disp: at}, Mem{Base: lanes, Disp: at + f.bytes()}, false}
	}
	// The layers across the vectors of each four.
	across := func(v []reg.VecVirtual, four int, do func(v []reg.VecVirtual, wide factor, narrow []factor)) {
		t := tables[len(tables)-2:]
		do(v[4*four:][:4], f.wordFactor(t[0], four), []factor{f.wordFactor(t[1], 2*four), f.wordFactor(t[1], 2*four+1)})
	}
	loop("block", blocks, func() {
		v := make([]reg.VecVirtual, vectors)
		at := func(i int) Op { return Mem{Base: x, Disp: f.bytes() * i} }
		if d == forward {
			for i := range v {
				v[i] = f.load(at(i))
			}
			f.reduce(v[0])
			if vectors == 8 {
				f.reduce(v[1])
				w := f.heldFactor(tables[0], 0)
				for i := range 4 {
					f.forwardTwo(v, i, i+4, w)
				}
			}
			for four := range vectors / 4 {
				across(v, four, f.forwardFour)
				part := f.transpose(v[4*four:][:4])
				f.forwardFour(part, within(four, 0), []factor{within(four, 1), within(four, 2)})
				for i := range part {
					f.canonical(part[i])
				}
				for i, r := range f.transpose(part) {
					f.store(r, at(4*four+i))
				}
			}
		} else {
			for four := range vectors / 4 {
				part := v[4*four:][:4]
				for i := range part {
					part[i] = f.load(at(4*four + i))
					f.enter(part[i], offset)
				}
				turned := f.transpose(part)
				f.inverseFour(turned, within(four, 0), []factor{within(four, 1), within(four, 2)})
				copy(part, f.transpose(turned))
				across(v, four, func(v []reg.VecVirtual, wide factor, narrow []factor) { f.inverseFour(v, wide, narrow) })
			}
			if vectors == 8 {
				w := f.heldFactor(tables[0], 0)
				for i := range 4 {
					f.inverseTwo(v, i, i+4, w)
				}
				f.reduce(v[1])
				f.reduce(v[2])
			}
			for i := range v {
				f.store(v[i], at(i))
			}
		}
		ADDQ(U32(f.bytes()*vectors), x)
		ADDQ(U32(f.bytes()*vectors/4*6), lanes)
		for l, t := range tables {
			ADDQ(U8(16<<l), t)
		}
	})
	VZEROUPPER()
	RET()
}

// transpose gives the columns of four vectors of four words.
func (f *doubles) transpose(r []reg.VecVirtual) []reg.VecVirtual {
	var t [4]reg.VecVirtual
	for i := range t {
		t[i] = f.vector()
		if i%2 == 0 {
			VUNPCKLPD(r[i+1], r[i], t[i])
		} else {
			VUNPCKHPD(r[i], r[i-1], t[i])
		}
	}
	columns := make([]reg.VecVirtual, 4)
	for i := range columns {
		columns[i] = f.vector()
		VPERM2F128(U8([]uint8{0x20, 0x31}[i/2]), t[i%2+2], t[i%2], columns[i])
	}
	return columns
}
