package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"qtool/kernel/asm/emit"
)

// doubleTransforms writes the passes of the number theoretic transform for moduli
// below 2^50 on float64. Between passes x holds numbers, not words; their bounds are
// proved in passes_double_amd64.go of qtool/kernel/mod.
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
	doubleWords()
	disjunction()
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
// whose halves are read and written. lanes holds three pairs of vectors for each. The
// second layer is done between the instructions of the first for the next four.
func doubleLanes(d direction) {
	TEXT(map[direction]string{forward: "forwardLanesAVX2", inverse: "inverseLanesAVX2"}[d], NOSPLIT, "func(x *uint64, blocks uint64, constants, lanes *float64)")
	Pragma("noescape")
	f := newDoubles(loadPointer("constants"), false)
	if d == inverse {
		f.rounder = f.skewed
	}
	f.q, f.rounder = f.load(f.q), f.load(f.rounder)
	x, blocks, lanes := loadPointer("x"), loadPointer("blocks"), loadPointer("lanes")
	half := func(block int) func(row, side int) Op {
		return func(row, side int) Op { return Mem{Base: x, Disp: 128*block + 32*row + 16*side} }
	}
	table := func(block, i int) factor {
		at := func(i int) Op { return Mem{Base: lanes, Disp: 192*block + 32*i} }
		return factor{at(2 * i), at(2*i + 1), false}
	}
	first := func(block int) []reg.VecVirtual {
		v := f.columns(half(block))
		if d == forward {
			f.forwards(v, [][2]int{{0, 2}, {1, 3}}, []factor{table(block, 0), table(block, 0)})
			return v
		}
		for i := range v {
			f.enter(v[i], f.once)
		}
		f.inverses(v, [][2]int{{0, 1}, {2, 3}}, []factor{table(block, 1), table(block, 2)})
		return v
	}
	second := func(v []reg.VecVirtual) {
		if d == forward {
			f.forwards(v, [][2]int{{0, 1}, {2, 3}}, []factor{table(0, 1), table(0, 2)})
		} else {
			f.inverses(v, [][2]int{{0, 2}, {1, 3}}, []factor{table(0, 0), table(0, 0)})
			f.reduce(v[0])
		}
		f.storeColumns(v, half(0))
	}
	between := make([]reg.VecVirtual, 4)
	for i, v := range first(0) {
		between[i] = f.vector()
		VMOVAPD(v, between[i])
	}
	DECQ(blocks)
	JZ(LabelRef("rest"))
	loop("block", blocks, func() {
		var next []reg.VecVirtual
		emit.Interleave(func() { next = first(1) }, func() { second(slices.Clone(between)) })
		for i := range next {
			VMOVAPD(next[i], between[i])
		}
		ADDQ(U32(128), x)
		ADDQ(U32(192), lanes)
	})
	Label("rest")
	second(between)
	VZEROUPPER()
	RET()
}

// doubleWords writes the end of the forward transform: words in [0, q) from rounds of
// 16 numbers.
func doubleWords() {
	TEXT("canonicalAVX2", NOSPLIT, "func(x *uint64, rounds uint64, constants *float64)")
	Pragma("noescape")
	f := newDoubles(loadPointer("constants"), false)
	f.q, f.rounder, f.inverse, f.exponent = f.load(f.q), f.load(f.rounder), f.load(f.inverse), f.load(f.exponent)
	x, rounds := loadPointer("x"), loadPointer("rounds")
	loop("round", rounds, func() {
		for i := range 4 {
			at := Mem{Base: x, Disp: f.bytes() * i}
			v := f.load(at)
			f.canonical(v)
			f.store(v, at)
		}
		ADDQ(U32(128), x)
	})
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

// disjunction writes what has the bits of all words of so many rounds of 16.
func disjunction() {
	TEXT("disjunctionAVX2", NOSPLIT, "func(x *uint64, rounds uint64) uint64")
	Pragma("noescape")
	x, rounds := loadPointer("x"), loadPointer("rounds")
	v := make([]reg.VecVirtual, 4)
	for i := range v {
		v[i] = YMM()
		VPXOR(v[i], v[i], v[i])
	}
	loop("round", rounds, func() {
		for i := range v {
			VPOR(Mem{Base: x, Disp: 32 * i}, v[i], v[i])
		}
		ADDQ(U32(128), x)
	})
	VPOR(v[1], v[0], v[0])
	VPOR(v[3], v[2], v[2])
	VPOR(v[2], v[0], v[0])
	half, low, high := XMM(), GP64(), GP64()
	VEXTRACTI128(U8(1), v[0], half)
	VPOR(half, v[0].AsX(), half)
	VPEXTRQ(U8(0), half, low)
	VPEXTRQ(U8(1), half, high)
	ORQ(high, low)
	Store(low, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
