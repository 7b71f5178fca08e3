package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"qtool/kernel/asm/emit"
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
	doubleHalves(forward)
	doubleHalves(inverse)
	doubleLanes(forward)
	doubleLanes(inverse)
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
				f.enter(v[i], f.twice)
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

// doubleHalves writes one layer on groups of two runs of vectors. The inverse reduces
// the sums.
func doubleHalves(d direction) {
	TEXT(map[direction]string{forward: "forward2AVX2", inverse: "inverse2AVX2"}[d], NOSPLIT, "func(x *uint64, run, groups uint64, constants, roots *float64)")
	Pragma("noescape")
	f := newDoubles(loadPointer("constants"), false)
	f.q, f.rounder = f.load(f.q), f.load(f.rounder)
	x, run, groups, roots := loadPointer("x"), loadPointer("run"), loadPointer("groups"), loadPointer("roots")
	SHLQ(U8(5), run) // bytes
	loop("group", groups, func() {
		w := f.heldFactor(roots, 0)
		end := GP64()
		LEAQ(Mem{Base: x, Index: run, Scale: 1}, end)
		Label("vectors")
		at := func(i int) Op {
			if i < 2 {
				return Mem{Base: x, Disp: f.bytes() * i}
			}
			return Mem{Base: x, Index: run, Scale: 1, Disp: f.bytes() * (i - 2)}
		}
		v := make([]reg.VecVirtual, 4)
		for i := range v {
			v[i] = f.load(at(i))
		}
		if d == forward {
			f.forwards(v, [][2]int{{0, 2}, {1, 3}}, []factor{w, w})
		} else {
			f.inverses(v, [][2]int{{0, 2}, {1, 3}}, []factor{w, w})
			f.reduce(v[0])
			f.reduce(v[1])
		}
		for i := range v {
			f.store(v[i], at(i))
		}
		ADDQ(U8(2*f.bytes()), x)
		CMPQ(x, end)
		JNE(LabelRef("vectors"))
		ADDQ(U8(16), roots)
		ADDQ(run, x) // which has moved one run on
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

// enter makes numbers of words, less what offset has above 2^52.
func (f *doubles) enter(v reg.VecVirtual, offset Op) {
	VORPD(f.exponent, v, v)
	VSUBPD(offset, v, v)
}

// forwards is x, y = x + wy, x - wy for pairs of vectors.
func (f *doubles) forwards(v []reg.VecVirtual, pairs [][2]int, w []factor) {
	for i, p := range pairs {
		y, d := f.times(v[p[1]], w[i]), f.vector()
		VSUBPD(y, v[p[0]], d)
		VADDPD(y, v[p[0]], v[p[0]])
		v[p[1]] = d
	}
}

// forwardFour is two layers on four vectors.
func (f *doubles) forwardFour(v []reg.VecVirtual, wide factor, narrow []factor) {
	f.forwards(v, [][2]int{{0, 2}, {1, 3}}, []factor{wide, wide})
	f.forwards(v, [][2]int{{0, 1}, {2, 3}}, narrow)
}

// inverses is x, y = x + y, (x - y) w for pairs of vectors.
func (f *doubles) inverses(v []reg.VecVirtual, pairs [][2]int, w []factor) {
	for i, p := range pairs {
		d := f.vector()
		VSUBPD(v[p[1]], v[p[0]], d)
		VADDPD(v[p[1]], v[p[0]], v[p[0]])
		v[p[1]] = f.times(d, w[i])
	}
}

// inverseFour is two layers on four vectors, with a scale also the division by n
// and what makes words.
func (f *doubles) inverseFour(v []reg.VecVirtual, wide factor, narrow []factor, scale ...factor) {
	f.inverses(v, [][2]int{{0, 1}, {2, 3}}, narrow)
	f.inverses(v, [][2]int{{0, 2}, {1, 3}}, []factor{wide, wide})
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

// doubleLanes writes the last two layers, or the first two of the inverse, which are
// within vectors: on four vectors of four words as on columns of a matrix of four rows,
// whose halves are read and written. lanes holds three pairs of vectors for each.
// Behind the forward layers the words are reduced, between the instructions for the
// next four vectors.
func doubleLanes(d direction) {
	TEXT(map[direction]string{forward: "forwardLanesAVX2", inverse: "inverseLanesAVX2"}[d], NOSPLIT, "func(x *uint64, blocks uint64, constants, lanes *float64)")
	Pragma("noescape")
	f := newDoubles(loadPointer("constants"), false)
	if d == inverse {
		f.rounder = f.skewed
	}
	f.q, f.rounder = f.load(f.q), f.load(f.rounder)
	x, blocks, lanes := loadPointer("x"), loadPointer("blocks"), loadPointer("lanes")
	const size = 128
	half := func(block, row, side int) Op { return Mem{Base: x, Disp: size*block + 32*row + 16*side} }
	table := func(i int) factor {
		at := func(i int) Op { return Mem{Base: lanes, Disp: 32 * i} }
		return factor{at(2 * i), at(2*i + 1), false}
	}
	layers := func(block int) []reg.VecVirtual {
		v := f.columns(func(row, side int) Op { return half(block, row, side) })
		if d == forward {
			f.forwardFour(v, table(0), []factor{table(1), table(2)})
			return v
		}
		for i := range v {
			f.enter(v[i], f.once)
		}
		f.inverseFour(v, table(0), []factor{table(1), table(2)})
		return v
	}
	rest := func(v []reg.VecVirtual) {
		for i := range v {
			f.canonical(v[i])
		}
		f.storeColumns(v, func(row, side int) Op { return half(0, row, side) })
	}
	if d == inverse {
		loop("block", blocks, func() {
			f.storeColumns(layers(0), func(row, side int) Op { return half(0, row, side) })
			ADDQ(U32(size), x)
			ADDQ(U32(192), lanes)
		})
		VZEROUPPER()
		RET()
		return
	}
	between := make([]reg.VecVirtual, 4)
	for i, v := range layers(0) {
		between[i] = f.vector()
		VMOVAPD(v, between[i])
	}
	ADDQ(U32(192), lanes)
	DECQ(blocks)
	JZ(LabelRef("rest"))
	loop("block", blocks, func() {
		var next []reg.VecVirtual
		emit.Interleave(func() { next = layers(1) }, func() { rest(slices.Clone(between)) })
		for i := range next {
			VMOVAPD(next[i], between[i])
		}
		ADDQ(U32(size), x)
		ADDQ(U32(192), lanes)
	})
	Label("rest")
	rest(between)
	VZEROUPPER()
	RET()
}

// columns reads a matrix of four rows of four words by halves of rows.
func (f *doubles) columns(half func(row, side int) Op) (v []reg.VecVirtual) {
	for side := range 2 {
		var rows [2]reg.VecVirtual // 0 and 2, 1 and 3
		for i := range rows {
			rows[i] = YMM()
			VBROADCASTF128(half(i, side), rows[i])
			VINSERTF128(U8(1), half(i+2, side), rows[i], rows[i])
		}
		low, high := YMM(), YMM()
		VUNPCKLPD(rows[1], rows[0], low)
		VUNPCKHPD(rows[1], rows[0], high)
		v = append(v, low, high)
	}
	return v
}

// storeColumns writes what columns reads.
func (f *doubles) storeColumns(v []reg.VecVirtual, half func(row, side int) Op) {
	for side := range 2 {
		rows := [2]reg.VecVirtual{YMM(), YMM()}
		VUNPCKLPD(v[2*side+1], v[2*side], rows[0])
		VUNPCKHPD(v[2*side+1], v[2*side], rows[1])
		for i := range rows {
			VMOVUPD(rows[i].AsX(), half(i, side))
			VEXTRACTF128(U8(1), rows[i], half(i+2, side))
		}
	}
}
