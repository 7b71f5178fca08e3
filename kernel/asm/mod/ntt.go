package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transforms writes the passes of the number theoretic transform for moduli
// below 2^50, with the 52-bit multiply-add.
func transforms() {
	for _, logRadix := range []int{3, 2} {
		pass(logRadix, forward)
		pass(logRadix, inverse)
		pass(logRadix, last)
	}
	block(forward)
	block(inverse)
}

type direction int

const (
	forward direction = iota
	inverse
	last // of the inverse, which divides by N and reduces
)

// field is the modulus in vectors.
type field struct {
	q, twice, minus, mask reg.VecVirtual
}

func newField(withQ bool) *field {
	f := &field{twice: ZMM(), minus: ZMM(), mask: lowBits()}
	q := spread("q")
	VPADDQ(q, q, f.twice)
	zero(f.minus)
	VPSUBQ(q, f.minus, f.minus)
	VPANDQ(f.mask, f.minus, f.minus) // 2^52 - q
	if withQ {
		f.q = q
	}
	return f
}

// root is a factor w and floor(w 2^52 / q), in vectors, in memory, or in a word
// of memory for all lanes.
type root struct {
	w, quotient Op
	word        bool
}

// times is dst = y w mod q in [0, 2q), for y below 2^52.
func (f *field) times(y reg.VecVirtual, r root, dst reg.VecVirtual) {
	high, low := VPMADD52HUQ, VPMADD52LUQ
	if r.word {
		high, low = VPMADD52HUQ_BCST, VPMADD52LUQ_BCST
	}
	h, t := ZMM(), ZMM()
	zero(h)
	high(r.quotient, y, h)
	zero(t)
	low(r.w, y, t)
	VPMADD52LUQ(f.minus, h, t)
	VPANDQ(f.mask, t, dst)
}

// shrink subtracts m from x if that leaves it positive.
func shrink(x, m reg.VecVirtual) {
	t := ZMM()
	VPSUBQ(m, x, t)
	VPMINUQ(t, x, x)
}

// forward is x, y = x + wy, x - wy in [0, 4q).
func (f *field) forward(x, y reg.VecVirtual, r root) {
	shrink(x, f.twice)
	t := ZMM()
	f.times(y, r, t)
	VPSUBQ(t, x, y)
	VPADDQ(f.twice, y, y)
	VPADDQ(t, x, x)
}

// inverse is x, y = x + y, (x - y) w in [0, 2q).
func (f *field) inverse(x, y reg.VecVirtual, r root) {
	t := ZMM()
	VPSUBQ(y, x, t)
	VPADDQ(f.twice, t, t)
	VPADDQ(y, x, x)
	shrink(x, f.twice)
	f.times(t, r, y)
}

// last is x, y = (x + y) / N, (x - y) w / N, reduced.
func (f *field) last(x, y reg.VecVirtual, r, scale root) {
	t := ZMM()
	VPSUBQ(y, x, t)
	VPADDQ(f.twice, t, t)
	VPADDQ(y, x, x)
	f.times(x, scale, x)
	shrink(x, f.q)
	f.times(t, r, y)
	shrink(y, f.q)
}

// pass writes logRadix layers: groups of 2^logRadix runs of vectors, run after
// run, with one root in the layer of the widest butterflies and twice as many
// in each narrower one. Roots lie in the order of layers with the widest first.
func pass(logRadix int, d direction) {
	radix := 1 << logRadix
	name := map[direction]string{forward: "forward", inverse: "inverse", last: "last"}[d] + map[int]string{2: "4IFMA", 3: "8IFMA"}[logRadix]
	params := "x *uint64, run, groups, q uint64"
	for l := range logRadix {
		params += ", roots" + string(rune('0'+l)) + " *uint64"
	}
	if d == last {
		params += ", scale *uint64"
	}
	TEXT(name, NOSPLIT, "func("+params+")")
	Pragma("noescape")
	f := newField(d == last)
	x, run, groups := loadPointer("x"), loadPointer("run"), loadPointer("groups")
	SHLQ(U8(6), run) // bytes
	triple := GP64()
	LEAQ(Mem{Base: run, Index: run, Scale: 2}, triple)
	var tables []reg.GPVirtual
	for l := range logRadix {
		tables = append(tables, loadPointer("roots"+string(rune('0'+l))))
	}
	var scale root
	if d == last {
		scale = broadcast(loadPointer("scale"), 0)
	}
	address := func(p, half reg.GPVirtual, i int) Mem {
		base := p
		if i >= 4 {
			base, i = half, i-4
		}
		switch i {
		case 0:
			return Mem{Base: base}
		case 3:
			return Mem{Base: base, Index: triple, Scale: 1}
		}
		return Mem{Base: base, Index: run, Scale: uint8(i)}
	}
	loop("group", groups, func() {
		roots := make([][]root, logRadix)
		for l := range logRadix {
			for i := range 1 << l {
				if l < 2 {
					roots[l] = append(roots[l], broadcast(tables[l], i))
				} else { // used once a round
					roots[l] = append(roots[l], word(tables[l], i))
				}
			}
		}
		half, count := GP64(), GP64()
		MOVQ(run, count)
		SHRQ(U8(6), count)
		LEAQ(Mem{Base: x, Index: run, Scale: 4}, half)
		loop("vector", count, func() {
			v := make([]reg.VecVirtual, radix)
			for i := range v {
				v[i] = ZMM()
				VMOVDQU64(address(x, half, i), v[i])
			}
			f.layers(v, d, func(l, i int) root { return roots[l][i] }, scale)
			for i := range v {
				VMOVDQU64(v[i], address(x, half, i))
			}
			ADDQ(U8(64), x)
			ADDQ(U8(64), half)
		})
		for l, t := range tables {
			ADDQ(U8(16<<l), t)
		}
		// x has moved one run on.
		rest := GP64()
		MOVQ(run, rest)
		if logRadix == 3 {
			LEAQ(Mem{Base: triple, Index: run, Scale: 4}, rest) // seven runs
			ADDQ(rest, x)
		} else {
			ADDQ(triple, x)
		}
	})
	VZEROUPPER()
	RET()
}

// layers does the butterflies of all layers on v.
func (f *field) layers(v []reg.VecVirtual, d direction, at func(layer, i int) root, scale root) {
	n := 0
	for 1<<n < len(v) {
		n++
	}
	for k := range n {
		l := k
		if d != forward {
			l = n - 1 - k
		}
		half := len(v) >> (l + 1)
		for i := range 1 << l {
			for j := range half {
				x, y := v[2*i*half+j], v[(2*i+1)*half+j]
				switch {
				case d == forward:
					f.forward(x, y, at(l, i))
				case d == last && l == 0:
					f.last(x, y, at(l, i), scale)
				default:
					f.inverse(x, y, at(l, i))
				}
			}
		}
	}
}

// broadcast loads root i of a table of pairs.
func broadcast(table reg.GPVirtual, i int) root {
	w, quotient := ZMM(), ZMM()
	VPBROADCASTQ(Mem{Base: table, Disp: 2 * words * i}, w)
	VPBROADCASTQ(Mem{Base: table, Disp: 2*words*i + words}, quotient)
	return root{w, quotient, false}
}

// word is root i of a table of pairs, in memory.
func word(table reg.GPVirtual, i int) root {
	return root{Mem{Base: table, Disp: 2 * words * i}, Mem{Base: table, Disp: 2*words*i + words}, true}
}

// block writes the six layers within 64 words: three across eight vectors, and
// three across the lanes, for which the vectors are transposed. lanes holds a
// pair of vectors for each of the seven roots of the latter.
func block(d direction) {
	name := map[direction]string{forward: "forward64IFMA", inverse: "inverse64IFMA"}[d]
	TEXT(name, NOSPLIT, "func(x *uint64, blocks, q uint64, roots0, roots1, roots2, lanes *uint64)")
	Pragma("noescape")
	f := newField(d == forward)
	x, blocks := loadPointer("x"), loadPointer("blocks")
	tables := []reg.GPVirtual{loadPointer("roots0"), loadPointer("roots1"), loadPointer("roots2")}
	lanes := loadPointer("lanes")
	across := func(l, i int) root { return broadcast(tables[l], i) }
	within := func(l, i int) root {
		at := 128 * (1<<l - 1 + i)
		return root{Mem{Base: lanes, Disp: at}, Mem{Base: lanes, Disp: at + 64}, false}
	}
	// A root serves several butterflies in a row, and is loaded once.
	once := func(load func(l, i int) root) func(l, i int) root {
		var last [2]int
		var r root
		return func(l, i int) root {
			if r.w == nil || last != [2]int{l, i} {
				r, last = load(l, i), [2]int{l, i}
			}
			return r
		}
	}
	loop("block", blocks, func() {
		v := make([]reg.VecVirtual, 8)
		for i := range v {
			v[i] = ZMM()
			VMOVDQU64(Mem{Base: x, Disp: 64 * i}, v[i])
		}
		if d == forward {
			f.layers(v, d, once(across), root{})
			v = transpose(v)
			f.layers(v, d, within, root{})
			for _, r := range v {
				shrink(r, f.twice)
				shrink(r, f.q)
			}
			v = transpose(v)
		} else {
			v = transpose(v)
			f.layers(v, d, within, root{})
			v = transpose(v)
			f.layers(v, d, once(across), root{})
		}
		for i := range v {
			VMOVDQU64(v[i], Mem{Base: x, Disp: 64 * i})
		}
		ADDQ(U32(512), x)
		ADDQ(U32(7*128), lanes)
		for l, t := range tables {
			ADDQ(U8(16<<l), t)
		}
	})
	VZEROUPPER()
	RET()
}

// transpose gives the columns of eight vectors of eight words.
func transpose(r []reg.VecVirtual) []reg.VecVirtual {
	columns := make([]reg.VecVirtual, 8)
	for odd := range 2 {
		var t [4]reg.VecVirtual // pairs of rows, columns of one parity
		for i := range t {
			t[i] = ZMM()
			if odd == 0 {
				VPUNPCKLQDQ(r[2*i+1], r[2*i], t[i])
			} else {
				VPUNPCKHQDQ(r[2*i+1], r[2*i], t[i])
			}
		}
		var s [4]reg.VecVirtual
		for i := range s {
			s[i] = ZMM()
			VSHUFI64X2(U8([]uint8{0x88, 0xdd}[i%2]), t[i/2*2+1], t[i/2*2], s[i])
		}
		for i := range 2 {
			c, d := ZMM(), ZMM()
			VSHUFI64X2(U8(0x88), s[i+2], s[i], c)
			VSHUFI64X2(U8(0xdd), s[i+2], s[i], d)
			columns[2*i+odd], columns[2*i+4+odd] = c, d
		}
	}
	return columns
}
