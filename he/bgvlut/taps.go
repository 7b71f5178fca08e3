package bgvlut

import (
	"cmp"
	"slices"

	"qtool/kernel/mod"
)

const (
	// block is the number of coefficients of a linear map's tasks: 784 inputs'
	// share of a block fits a second-level cache.
	block = 64
	// bunch is the number of rows that are evaluated at once, over the union of
	// their inputs.
	bunch = 8
)

// taps are some rows of a linear map, bunch by bunch.
type taps struct {
	inputs  []int32 // that any row reads, in order
	bunches []bunchRows
}

// bunchRows are dense rows over the inputs at the given word offsets of a tile.
type bunchRows struct {
	offsets []int64
	rows    [][]int32
}

// row is the row of an element's linear map, or of the identity.
func (st *stage) row(element int) (in, w []int32) {
	if st.rows == nil {
		return []int32{int32(element)}, []int32{1}
	}
	return st.rows.Row(element)
}

// sums are the linear maps of a stage's units in ciphertexts, some rows each:
//
//	copies = 1:  the element
//	copies = 2:  of both halves' elements, what comes from the same half or from both; and
//	             behind these, in stages that swap, what comes from the other half
type sums struct {
	stage  *stage
	tables *tables
	rows   int // of a unit
}

func (p *Plan) sums(i int) *sums {
	s := &sums{&p.stages[i], &p.tables[i], p.layout.copies}
	if s.tables.swaps {
		s.rows *= 2
	}
	return s
}

// row is row r of a unit, on the ciphertexts that the stage reads.
func (s *sums) row(unit, r int) (in, w []int32) {
	half, crossed := r%2, r/2 == 1
	all, weights := s.stage.row(s.tables.units[unit].elements[half])
	for k, i := range all {
		if s.rows == 1 || s.tables.reads.crossed(int(i), half) == crossed {
			in, w = append(in, int32(s.tables.reads.number[i])), append(w, weights[k])
		}
	}
	return in, w
}

// order is one in which ciphertexts are done with early: units by the last one that they
// read. until is the place in it after which nothing reads a ciphertext, -1 for those that
// nothing reads.
func (s *sums) order() (units, until []int) {
	last := make([]int, len(s.tables.units))
	each := func(u int, visit func(ciphertext int)) {
		for _, e := range s.tables.units[u].elements {
			in, _ := s.stage.row(e)
			for _, i := range in {
				visit(s.tables.reads.number[i])
			}
		}
	}
	for u := range last {
		each(u, func(c int) { last[u] = max(last[u], c) })
		units = append(units, u)
	}
	slices.SortStableFunc(units, func(a, b int) int { return cmp.Compare(last[a], last[b]) })
	until = slices.Repeat([]int{-1}, len(s.tables.reads.ciphertexts))
	for at, u := range units {
		each(u, func(c int) { until[c] = at })
	}
	return units, until
}

// newTaps are the rows of some units, all rows of a unit one behind the other.
func (s *sums) newTaps(units []int) *taps {
	type row struct{ in, w []int32 }
	var rows []row
	for _, u := range units {
		for r := range s.rows {
			in, w := s.row(u, r)
			rows = append(rows, row{in, w})
		}
	}
	return newTaps(len(s.tables.reads.ciphertexts), len(rows), func(k int) (in, w []int32) { return rows[k].in, rows[k].w })
}

// newTaps are n rows over so many inputs.
func newTaps(inputs, n int, row func(k int) (in, w []int32)) *taps {
	t := &taps{}
	read := make([]bool, inputs)
	for k := range n {
		in, _ := row(k)
		for _, i := range in {
			read[i] = true
		}
	}
	place := make([]int, inputs)
	for i, yes := range read {
		if yes {
			place[i] = len(t.inputs)
			t.inputs = append(t.inputs, int32(i))
		}
	}
	for first := 0; first < n; first += bunch {
		var union []int32
		size := min(bunch, n-first)
		for k := range size {
			in, _ := row(first + k)
			union = append(union, in...)
		}
		slices.Sort(union)
		union = slices.Compact(union)
		b := bunchRows{}
		column := map[int32]int{}
		for c, i := range union {
			column[i] = c
			b.offsets = append(b.offsets, int64(place[i]*block))
		}
		for k := range size {
			in, w := row(first + k)
			dense := make([]int32, len(union))
			for j, i := range in {
				dense[column[i]] += w[j]
			}
			b.rows = append(b.rows, dense)
		}
		t.bunches = append(t.bunches, b)
	}
	return t
}

// bunchMap is a bunch prepared for one modulus.
type bunchMap struct {
	weights   *mod.Weights
	offsets   []int64
	constants []uint64 // of each row
}

func (t *taps) prepare(m *mod.Modulus, constants []uint64) []bunchMap {
	var all []bunchMap
	for _, b := range t.bunches {
		all = append(all, bunchMap{m.Weights(b.rows), b.offsets, constants[:len(b.rows)]})
		constants = constants[len(b.rows):]
	}
	return all
}

// grow is a slice of n words, v's where that is long enough.
func grow(v []uint64, n int) []uint64 {
	if len(v) < n {
		return make([]uint64, n)
	}
	return v[:n]
}
