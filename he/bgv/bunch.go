package bgv

import (
	"slices"

	"qtool/bundle"
	"qtool/kernel/mod"
)

// bunch is some outputs of a stage that are evaluated together, as they read the
// same inputs: a convolution's outputs at one place in every channel, or some
// outputs of a dense layer. first and step give the outputs: first, first + step, ...
type bunch struct {
	first, step, outputs int
	// windows are the rows that the outputs' pools add up, the same place of
	// every window together; one without a pool.
	windows []bunchRows
	squares []mod.Pairs // of each polynomial of an output, if it is a square
}

// bunchRows is one row of a linear map for each output of a bunch.
type bunchRows struct {
	rows    []int // of the linear map; elements, if there is none
	inputs  []int32
	offsets []int64 // of the inputs in a tile
	weights int     // into shared.weights
}

// shared is how a stage is evaluated: bunch by bunch. Weights are kept once, as
// the places of a convolution have the same ones, and so are lists of products.
type shared struct {
	bunches  []bunch
	weights  [][][]int32
	products [][]mod.Pairs // of a power and the element, by Horner's rule

	index   map[string]int
	squares map[[2]int][]mod.Pairs
}

// maxBunch is how many rows of a long linear map are evaluated together.
const maxBunch = 16

// share makes the bunches of a stage.
func (st *stage) share() *shared {
	s := &shared{index: map[string]int{}, squares: map[[2]int][]mod.Pairs{}}
	if st.poly != nil {
		for j := 1; j < st.poly.Degree(); j++ {
			s.products = append(s.products, products(j*st.inDegree, st.inDegree))
		}
	}
	if st.by != nil {
		s.products = append(s.products, products(st.from.degree, st.by.degree))
		return s
	}
	channels, group := st.channels, st.group
	if channels < 1 || st.outputs%channels != 0 || st.between%channels != 0 {
		channels, group = 1, 1
	}
	step := st.outputs / channels
	n := 0
	for c := 0; c < channels; c += n {
		n = min(maxBunch, group-c%group)
		for place := range step {
			first := c*step + place
			if b, ok := st.bunch(s, first, step, n); ok {
				s.bunches = append(s.bunches, b)
				continue
			}
			for i := range n {
				b, _ := st.bunch(s, first+i*step, step, 1)
				s.bunches = append(s.bunches, b)
			}
		}
	}
	return s
}

// bunch makes one of n outputs. ok is false if they have so little in common
// that they had better be apart, or pools of different sizes.
func (st *stage) bunch(s *shared, first, step, n int) (b bunch, ok bool) {
	b = bunch{first: first, step: step, outputs: n}
	window := func(o int) []int32 {
		if st.pool == nil {
			return []int32{int32(o)}
		}
		in, _ := st.pool.Row(o)
		return in
	}
	size := len(window(first))
	for i := range n {
		if len(window(first+i*step)) != size {
			return b, false
		}
	}
	for place := range size {
		w := bunchRows{}
		for i := range n {
			w.rows = append(w.rows, int(window(first + i*step)[place]))
		}
		if st.rows != nil && !w.join(s, st.rows, (st.inDegree+1)*block) && n > 1 {
			return b, false
		}
		b.windows = append(b.windows, w)
	}
	if st.poly != nil && st.poly.Degree() == 2 {
		key := [2]int{n, size}
		if s.squares[key] == nil {
			s.squares[key] = squares(st.inDegree, size, n*(st.inDegree+1)*block)
		}
		b.squares = s.squares[key]
	}
	return b, true
}

// join makes the rows dense over all inputs that any of them reads. It returns
// false if that is a waste.
func (w *bunchRows) join(s *shared, r *bundle.Rows, width int) bool {
	taps := 0
	for _, o := range w.rows {
		in, _ := r.Row(o)
		taps += len(in)
		w.inputs = append(w.inputs, in...)
	}
	slices.Sort(w.inputs)
	w.inputs = slices.Compact(w.inputs)
	// A dense row goes through its zeros, at a fraction of what the rows would
	// cost apart.
	if len(w.rows)*len(w.inputs) > 3*taps {
		return false
	}
	dense := make([][]int32, len(w.rows))
	key := make([]byte, 0, 4*len(w.rows)*len(w.inputs))
	for i, o := range w.rows {
		dense[i] = make([]int32, len(w.inputs))
		in, weights := r.Row(o)
		for k, at := range in {
			place, _ := slices.BinarySearch(w.inputs, at)
			dense[i][place] += weights[k]
		}
		for _, v := range dense[i] {
			key = append(key, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
	}
	key = append(key, byte(len(w.rows)))
	id, ok := s.index[string(key)]
	if !ok {
		id = len(s.weights)
		s.weights = append(s.weights, dense)
		s.index[string(key)] = id
	}
	w.weights = id
	for _, at := range w.inputs {
		w.offsets = append(w.offsets, int64(at)*int64(width))
	}
	return true
}
