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

// order is one in which inputs are done with early: elements by the last input
// that they read. until is the place in it after which nothing reads an input, -1
// for elements that nothing reads.
func (st *stage) order() (elements, until []int) {
	last := make([]int32, st.between)
	for k := range st.between {
		in, _ := st.row(k)
		for _, i := range in {
			last[k] = max(last[k], i)
		}
		elements = append(elements, k)
	}
	slices.SortStableFunc(elements, func(a, b int) int { return cmp.Compare(last[a], last[b]) })
	until = slices.Repeat([]int{-1}, st.inputs)
	for at, k := range elements {
		in, _ := st.row(k)
		for _, i := range in {
			until[i] = at
		}
	}
	return elements, until
}

// newTaps are the rows of some elements of a stage.
func newTaps(st *stage, elements []int) *taps {
	n := len(elements)
	row := func(k int) (in, w []int32) { return st.row(elements[k]) }
	t := &taps{}
	read := make([]bool, st.inputs)
	for k := range n {
		in, _ := row(k)
		for _, i := range in {
			read[i] = true
		}
	}
	place := make([]int, st.inputs)
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
