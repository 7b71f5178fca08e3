package train

import (
	"math/rand/v2"
	"slices"

	"gorgonia.org/tensor"

	"qtool/datasets"
	"qtool/kernel/f32"
	"qtool/model"
)

// feed is where samples enter a graph. Images go as they are, [batch, shape...], to an
// input of shape [shape..., batch]; the vectors of sequences, [steps, batch, size], to one
// of shape [size, steps*batch].
type feed struct {
	batch, steps int           // steps is 1 of images
	rows         []float32     // the samples, row after row
	input        *tensor.Dense // what the graph reads
	embed        *embedder     // nil unless the network reads words
	from         []written     // [steps*batch]: what each row was made of, of words
	first        []int         // of each sample of words, its first step that has one
	scratch      []float32     // a sample of a sequence
}

func newFeed(n *model.Network, p model.Parameters, batch int) feed {
	f := feed{batch: batch, steps: 1, embed: newEmbedder(n, p)}
	shape := append(slices.Clone(n.Input), batch)
	switch {
	case f.embed != nil:
		f.steps = n.Steps()
		shape = []int{f.embed.size, f.steps * batch}
		f.from, f.first = make([]written, f.steps*batch), make([]int, batch)
	case len(n.Input) == 2:
		f.steps = n.Input[0]
		shape = []int{n.Input[1], f.steps * batch}
		f.scratch = make([]float32, f.steps*n.Input[1])
	}
	f.input = tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float32))
	f.rows = make([]float32, tensor.Shape(shape).TotalSize())
	return f
}

// size is how many numbers a row has.
func (f *feed) size() int { return len(f.rows) / (f.steps * f.batch) }

// row is the input row of step t of sample r of the batch.
func (f *feed) row(t, r int) []float32 {
	n, at := f.size(), t*f.batch+r
	return f.rows[at*n : (at+1)*n]
}

// put lets write fill sample r, given as [shape...] or [steps, size].
func (f *feed) put(r int, write func(dst []float32)) {
	if f.scratch == nil {
		write(f.row(0, r))
		return
	}
	write(f.scratch)
	for t := range f.steps {
		copy(f.row(t, r), f.scratch[t*f.size():])
	}
}

// pad makes sample r one that means nothing.
func (f *feed) pad(r int) {
	if f.embed != nil {
		f.words(r, nil, nil)
		return
	}
	for t := range f.steps {
		clear(f.row(t, r))
	}
}

// words writes sample r, the words of a sentence, and nil for padding; see embedder.row.
func (f *feed) words(r int, steps [][]int32, source *rand.Rand) {
	f.first[r] = f.steps
	if steps != nil {
		f.first[r] = firstStep(steps)
	}
	for t := range f.steps {
		var words []int32
		if steps != nil {
			words = steps[t]
		}
		f.embed.row(f.row(t, r), words, &f.from[t*f.batch+r], source)
	}
}

// firstStep is the first step that has a word, or the number of steps.
func firstStep(steps [][]int32) int {
	for t, words := range steps {
		if len(words) > 0 {
			return t
		}
	}
	return len(steps)
}

// enter brings the rows into the input.
func (f *feed) enter() {
	f32.Transpose(f.input.Float32s(), f.rows, f.steps*f.batch, f.size())
}

// gather adds the gradient by the input, of its shape, to the gradient by the words' vectors.
func (f *feed) gather(s *sparse, gradient []float32) {
	f32.Transpose(f.rows, gradient, f.size(), f.steps*f.batch)
	for at := range f.from {
		s.add(&f.from[at], f.rows[at*f.size():(at+1)*f.size()])
	}
}

// index is where element i of sample r is in a graph's tensor of the given shape without
// the batch.
func (f *feed) index(shape []int, i, r int) int {
	if len(shape) != 2 {
		return i*f.batch + r
	}
	t, d := i/shape[1], i%shape[1]
	return (d*shape[0]+t)*f.batch + r
}

// order is the order of an epoch: random and, where a network skips the steps before a
// sentence begins, with batches of sentences of about one length, by sorting within pools.
func order(n *model.Network, s *datasets.Split, batch int, seed, epoch uint64) []int {
	const pool = 50 // batches
	// The stream's second word is offset so that no epoch shares it with the
	// parameters' initialisation.
	r := rand.New(rand.NewPCG(seed, 1<<32+epoch))
	all := r.Perm(s.Len())
	if s.Words == nil || !slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Mask }) {
		return all
	}
	for from := 0; from < len(all); from += pool * batch {
		slices.SortStableFunc(all[from:min(from+pool*batch, len(all))], func(a, b int) int {
			return firstStep(s.Words[a]) - firstStep(s.Words[b])
		})
	}
	whole := len(all) / batch
	shuffled := make([]int, 0, len(all))
	for _, k := range r.Perm(whole) {
		shuffled = append(shuffled, all[k*batch:(k+1)*batch]...)
	}
	return append(shuffled, all[whole*batch:]...)
}
