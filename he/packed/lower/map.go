package lower

import (
	"math"
	"slices"
	"sort"
)

// Map is a linear map between packed tensors:
//
//	out_c = sum over terms t of c:  diagonal_t * rotate(in_(t.Ct), t.Offset)
//
// followed, where Doublings > 0, by the sum over all rotations of out_c by
// multiples of Step below Step<<Doublings. Diagonals repeat with Length.
//
// An output in slot p reads an input in slot q at offset q-p modulo the smaller
// of the two periods. Where the output's is the smaller, the products of one
// output stand in all slots congruent to p, and the doublings add them up (the
// hybrid method).
//
// Reference: Halevi and Shoup, "Algorithms in HElib", CRYPTO 2014 (diagonals);
// Juvekar, Vaikuntanathan and Chandrakasan, "GAZELLE", USENIX Security 2018
// (hybrid).
type Map struct {
	Matrix          *Matrix
	Out             *Places
	Cts             int // of the input
	Length          int
	Step, Doublings int
	Terms           [][]Term // of each output ciphertext, by offset and ciphertext
	// Views says what the client packs where this is the program's first map:
	// slot s of input ciphertext v holds element Views[v][s mod Length], or
	// zero where that is -1. All offsets are then 0.
	Views [][]int32

	place func(o int, in int32) (ct, offset, slot int)
	index [][]int32 // of a term, by output ciphertext and Cts*offset+ct
}

// Term is one product of a Map.
type Term struct{ Ct, Offset int }

// maxTerms bounds the products of one map.
const maxTerms = 1 << 14

// newMap lowers m from in to out; nil if it needs more than limit products.
func newMap(m *Matrix, in, out *Places, limit int) *Map {
	mod := min(in.Period, out.Period)
	l := &Map{Matrix: m, Out: out, Cts: in.Cts, Length: max(in.Period, out.Period)}
	for p := out.Period; p < in.Period; p *= 2 {
		l.Step = out.Period
		l.Doublings++
	}
	l.place = func(o int, i int32) (ct, offset, slot int) {
		p, q := int(out.Slot[o]), int(in.Slot[i])
		offset = (q - p) & (mod - 1)
		if slot = p; l.Doublings > 0 {
			slot = (q - offset) & (in.Period - 1)
		}
		return int(in.Ct[i]), offset, slot
	}
	l.index = make([][]int32, out.Cts)
	for c := range l.index {
		l.index[c] = make([]int32, mod*in.Cts)
	}
	total := 0
	for o, c := range out.Ct {
		if c < 0 {
			continue
		}
		index, p := l.index[c], out.Slot[o]
		row, _ := m.Row(o)
		for _, i := range row {
			offset := int(in.Slot[i]-p) & (mod - 1)
			if at := &index[offset*in.Cts+int(in.Ct[i])]; *at == 0 {
				*at = 1
				total++
			}
		}
		if total > limit {
			return nil
		}
	}
	l.number()
	return l
}

// newFirst lowers m from inputs that the client packs so that no rotation is
// needed, but for the sum over 2^doublings blocks.
func newFirst(m *Matrix, out *Places, doublings int) *Map {
	l := &Map{Matrix: m, Out: out, Length: out.Period << doublings, Doublings: doublings}
	if doublings > 0 {
		l.Step = out.Period
	}
	// What each slot's outputs read, of all ciphertexts.
	need := make([][]int32, out.Period)
	for o := range m.Outputs() {
		if out.Ct[o] >= 0 {
			in, _ := m.Row(o)
			need[out.Slot[o]] = append(need[out.Slot[o]], in...)
		}
	}
	most := 1
	for p := range need {
		slices.Sort(need[p])
		need[p] = slices.Compact(need[p])
		most = max(most, len(need[p]))
	}
	l.Cts = (most + 1<<doublings - 1) >> doublings
	for v := range l.Cts {
		view := make([]int32, l.Length)
		for s := range view {
			view[s] = -1
			if k, n := s/out.Period*l.Cts+v, need[s%out.Period]; k < len(n) {
				view[s] = n[k]
			}
		}
		l.Views = append(l.Views, view)
	}
	l.place = func(o int, i int32) (ct, offset, slot int) {
		p := out.Slot[o]
		k := sort.Search(len(need[p]), func(k int) bool { return need[p][k] >= i })
		return k % l.Cts, 0, int(p) + k/l.Cts*out.Period
	}
	l.index = make([][]int32, out.Cts)
	for c := range l.index {
		l.index[c] = make([]int32, l.Cts)
	}
	for o, c := range out.Ct {
		if c >= 0 {
			row, _ := m.Row(o)
			for _, i := range row {
				ct, _, _ := l.place(o, i)
				l.index[c][ct] = 1
			}
		}
	}
	l.number()
	return l
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
// stands in slot slot of the diagonal of Terms[c][term], is weight k of row o.
func (l *Map) Each(c int, f func(term, slot, o, k int)) {
	for o := range l.Matrix.Outputs() {
		if int(l.Out.Ct[o]) != c {
			continue
		}
		in, _ := l.Matrix.Row(o)
		for k, i := range in {
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
	s := Split{Giant: giant, Babies: make([][]int, l.Cts), Giants: make([][]int, l.Out.Cts)}
	for c, terms := range l.Terms {
		for _, t := range terms {
			s.Babies[t.Ct] = append(s.Babies[t.Ct], t.Offset%giant)
			s.Giants[c] = append(s.Giants[c], t.Offset-t.Offset%giant)
		}
	}
	for _, lists := range [][][]int{s.Babies, s.Giants} {
		for i := range lists {
			slices.Sort(lists[i])
			lists[i] = slices.Compact(lists[i])
		}
	}
	return s
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
