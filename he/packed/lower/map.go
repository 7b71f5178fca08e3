package lower

import (
	"math"
	"slices"
	"sort"
)

// Map is a linear map of packed tensors, its sources, one behind the other:
//
//	out_c = sum over terms t of c:  diagonal_t * rotate(in_(t.Ct), t.Offset)
//
// followed, where Doublings > 0, by the sum over all rotations of out_c by
// multiples of Step below Step<<Doublings. Diagonals repeat with Length.
//
// An output in slot p reads an input in slot q at offset q-p modulo the smaller
// of the two periods. Where the output's is the smaller, the products of one
// output stand in all slots congruent to p, and the doublings add them up (the
// hybrid method). A source of a smaller period than Length gives its products in the
// first of them.
//
// Reference: Halevi and Shoup, "Algorithms in HElib", CRYPTO 2014 (diagonals);
// Juvekar, Vaikuntanathan and Chandrakasan, "GAZELLE", USENIX Security 2018
// (hybrid).
type Map struct {
	Matrix          *Matrix
	Out             *Places
	Cts             int // of all sources
	Length          int
	Step, Doublings int
	Terms           [][]Term // of each output ciphertext, by offset and ciphertext
	// Views says what the client packs for this map, where the program's input is
	// among its sources: slot s of the input's ciphertext v holds element
	// Views[v][s mod Length of v], or zero where that is -1. Their offsets are 0.
	Views [][]int32

	blocks int // doublings of what the client packs
	parts  []mapPart
	index  [][]int32 // of a term, by output ciphertext and Cts*offset+ct
}

// Term is one product of a Map.
type Term struct{ Ct, Offset int }

// maxTerms bounds the products of one map, maxSlots the slots of what the client packs for
// it, and maxIndex the places where a product may stand.
const (
	maxTerms = 1 << 14
	maxSlots = 1 << 24
	maxIndex = 1 << 27
)

// mapPart is a source as a map reads it: packed in places or, where that is nil, by the
// client for this map.
type mapPart struct {
	column, width int // its columns of the matrix
	ct, cts       int // its ciphertexts
	places        *Places
	need          [][]int32 // what each slot's outputs read, see newViews
}

// source is what newMap takes of a source: its elements, and where they stand.
type source struct {
	width  int
	places *Places
}

// newMap lowers m from its sources to out; nil if it needs more than limit products, or
// passes maxSlots or maxIndex. What the client packs is summed over 2^doublings blocks,
// without rotations of single slots; the limit is not for maps that read nothing else.
func newMap(m *Matrix, sources []source, out *Places, doublings, limit int) *Map {
	l := &Map{Matrix: m, Out: out, Length: out.Period, blocks: doublings}
	mod, column, viewed := 1, 0, true
	for _, s := range sources {
		p := mapPart{column: column, width: s.width, ct: l.Cts, places: s.places}
		if s.places == nil {
			if !l.newViews(&p, doublings) {
				return nil
			}
			l.Length = max(l.Length, out.Period<<doublings)
		} else {
			viewed = false
			p.cts = s.places.Cts
			mod = max(mod, min(s.places.Period, out.Period))
			l.Length = max(l.Length, s.places.Period)
		}
		column += s.width
		l.Cts += p.cts
		l.parts = append(l.parts, p)
	}
	for p := out.Period; p < l.Length; p *= 2 {
		l.Step = out.Period
		l.Doublings++
	}
	if mod*l.Cts > maxIndex/out.Cts {
		return nil
	}
	l.index = make([][]int32, out.Cts)
	for c := range l.index {
		l.index[c] = make([]int32, mod*l.Cts)
	}
	total := 0
	for o, c := range out.Ct {
		if c < 0 {
			continue
		}
		index := l.index[c]
		row, w := m.Row(o)
		for k, i := range row {
			if w[k] == 0 && l.parts[l.Column(int(i))].places != nil {
				continue
			}
			ct, offset, _ := l.place(o, i)
			if at := &index[offset*l.Cts+ct]; *at == 0 {
				*at = 1
				total++
			}
		}
		if !viewed && total > limit {
			return nil
		}
	}
	l.number()
	return l
}

// newViews lets the client pack a source so that no rotation is needed, but for the
// sum over 2^doublings blocks. It reports false for more than maxSlots slots.
func (l *Map) newViews(p *mapPart, doublings int) bool {
	period := l.Out.Period
	p.need = make([][]int32, period)
	for o := range l.Matrix.Outputs() {
		if l.Out.Ct[o] < 0 {
			continue
		}
		in, _ := l.Matrix.Row(o)
		for _, i := range in {
			if k := int(i) - p.column; k >= 0 && k < p.width {
				p.need[l.Out.Slot[o]] = append(p.need[l.Out.Slot[o]], int32(k))
			}
		}
	}
	most := 1
	for s := range p.need {
		slices.Sort(p.need[s])
		p.need[s] = slices.Compact(p.need[s])
		most = max(most, len(p.need[s]))
	}
	p.cts = (most + 1<<doublings - 1) >> doublings
	if p.cts > maxSlots/(period<<doublings) {
		return false
	}
	for v := range p.cts {
		view := make([]int32, period<<doublings)
		for s := range view {
			view[s] = -1
			if k, n := s/period*p.cts+v, p.need[s%period]; k < len(n) {
				view[s] = n[k]
			}
		}
		l.Views = append(l.Views, view)
	}
	return true
}

// place says which ciphertext and offset the product of output o and input i takes,
// and the slot of its diagonal.
func (l *Map) place(o int, i int32) (ct, offset, slot int) {
	part := &l.parts[l.Column(int(i))]
	k, p := int(i)-part.column, int(l.Out.Slot[o])
	if part.places == nil {
		k := sort.Search(len(part.need[p]), func(j int) bool { return part.need[p][j] >= int32(k) })
		return part.ct + k%part.cts, 0, p + k/part.cts*l.Out.Period
	}
	in := part.places
	q := int(in.Slot[k])
	offset = (q - p) & (min(in.Period, l.Out.Period) - 1)
	if slot = p; in.Period > l.Out.Period {
		slot = (q - offset) & (in.Period - 1)
	}
	return part.ct + int(in.Ct[k]), offset, slot
}

// Column is the number of the source that an input of the matrix belongs to.
func (l *Map) Column(i int) int {
	k := len(l.parts) - 1
	for l.parts[k].column > i {
		k--
	}
	return k
}

// Source is the number of the source that an input ciphertext belongs to.
func (l *Map) Source(ct int) int {
	k := len(l.parts) - 1
	for l.parts[k].ct > ct {
		k--
	}
	return k
}

// number lists the terms that index marks and puts their numbers there.
func (l *Map) number() {
	l.Terms = make([][]Term, len(l.index))
	for c, index := range l.index {
		for k, used := range index {
			if used != 0 {
				index[k] = int32(len(l.Terms[c]))
				l.Terms[c] = append(l.Terms[c], Term{k % l.Cts, k / l.Cts})
			}
		}
	}
}

// Each calls f for every weight that output ciphertext c multiplies with: it
// stands in slot slot of the diagonal of Terms[c][term], is weight k of row o. Weights of
// zero are passed over.
func (l *Map) Each(c int, f func(term, slot, o, k int)) {
	for o := range l.Matrix.Outputs() {
		if int(l.Out.Ct[o]) != c {
			continue
		}
		in, w := l.Matrix.Row(o)
		for k, i := range in {
			if w[k] == 0 {
				continue
			}
			ct, offset, slot := l.place(o, i)
			f(int(l.index[c][offset*l.Cts+ct]), slot, o, int(l.Matrix.Start[o])+k)
		}
	}
}

// Split is how offsets are composed: a baby step below Giant, and a giant step
// that is a multiple of it.
//
// Reference: Halevi and Shoup, "Faster Homomorphic Linear Transformations in
// HElib", CRYPTO 2018 (baby steps, giant steps, hoisting).
type Split struct {
	Giant  int
	Babies [][]int // of each input ciphertext, ascending
	Giants [][]int // of each output ciphertext, ascending
}

func (l *Map) split(giant int) Split {
	top := 0
	for _, terms := range l.Terms {
		for _, t := range terms {
			top = max(top, t.Offset)
		}
	}
	babies, giants := newMarks(l.Cts, min(giant, top+1)), newMarks(l.Out.Cts, top/giant+1)
	for c, terms := range l.Terms {
		for _, t := range terms {
			babies.mark(t.Ct, t.Offset%giant)
			giants.mark(c, t.Offset/giant)
		}
	}
	return Split{Giant: giant, Babies: babies.lists(1), Giants: giants.lists(giant)}
}

// marks are sets of numbers below width.
type marks struct {
	width int
	in    []bool
}

func newMarks(sets, width int) *marks { return &marks{width, make([]bool, sets*width)} }

func (m *marks) mark(set, x int) { m.in[set*m.width+x] = true }

// lists are the members of every set times a factor, ascending.
func (m *marks) lists(factor int) [][]int {
	all := make([][]int, len(m.in)/m.width)
	for i := range all {
		for x, in := range m.in[i*m.width:][:m.width] {
			if in {
				all[i] = append(all[i], x*factor)
			}
		}
	}
	return all
}

// Rotates reports whether there is any step but 0.
func (s *Split) Rotates() bool {
	for _, list := range [][][]int{s.Babies, s.Giants} {
		for _, steps := range list {
			if len(steps) > 0 && steps[len(steps)-1] > 0 {
				return true
			}
		}
	}
	return false
}

// work counts a split's operations at shape s; babies and giants at offset 0
// need no key.
func (l *Map) work(p *Split, s Shape, rescale int) Work {
	w := Work{Section: 1}
	limbs, extended, special := s.Limbs, p.Rotates(), 0
	if extended {
		limbs, special = s.all(), s.Special
		for _, b := range p.Babies {
			w = w.Plus(steps(b, s))
		}
	}
	for c, giants := range p.Giants {
		w = w.Plus(Work{Product: float64(limbs * len(l.Terms[c])), Move: float64(2 * limbs * len(giants))})
		for _, step := range giants {
			if step > 0 {
				w = w.Plus(s.Drop(1, special, 0)).Plus(s.Decompose()).Plus(s.Gadget()).Plus(Work{Section: 1})
			}
		}
		w = w.Plus(s.Drop(2, special, rescale))
	}
	return w
}

// steps is the work of hoisted rotations of one ciphertext, in the extended
// basis.
func steps(offsets []int, s Shape) Work {
	w := s.Lift()
	keys := 0
	for _, o := range offsets {
		if o > 0 {
			keys++
		}
	}
	if keys > 0 {
		w = w.Plus(s.Decompose()).Plus(s.Gadget().Times(keys)).Plus(Work{Section: 1})
	}
	return w
}

// best is the split of least predicted time.
func (l *Map) best(s Shape, rescale int, c Costs) (Split, Work) {
	var best Split
	var work Work
	least := math.Inf(1)
	top := 1
	for _, terms := range l.Terms {
		for _, t := range terms {
			top = max(top, ceilPower(t.Offset+1))
		}
	}
	for giant := 1; giant <= top; giant *= 2 {
		p := l.split(giant)
		w := l.work(&p, s, rescale)
		if ns := c.Nanoseconds(w); ns < least {
			best, work, least = p, w, ns
		}
	}
	return best, work
}
