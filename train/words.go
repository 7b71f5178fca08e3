package train

import (
	"math/rand/v2"

	"qtool/kernel/f32"
	"qtool/model"
)

// embedder turns the words of sentences into the graph's input, and the gradient by that
// back into the gradient by the vectors of the words. The vectors are no part of the
// graph, since a step of training touches few of them.
type embedder struct {
	size  int       // of a vector
	table []float32 // [words, size]
	mean  bool      // a step is the average of its words
	// dropout is the chance that a number of an input is 0, wordDropout that a word
	// is left out; the others are as much larger.
	dropout, wordDropout float64
}

// newEmbedder is nil for a network that reads no words. Its vectors are taken from p.
func newEmbedder(n *model.Network, p model.Parameters) *embedder {
	if !n.ReadsWords() {
		return nil
	}
	l := n.Layers[0]
	return &embedder{
		size: l.Units, table: p.Get(l.Name + ".weight"), mean: l.Combine == model.Mean,
		dropout: l.Rate, wordDropout: l.WordDropout,
	}
}

// written is what a row of the input was made of.
type written struct {
	words []int32
	mask  []float32 // empty: all 1
}

// row writes the input of one step to dst and says what it was made of. r draws
// dropout; nil is none.
func (e *embedder) row(dst []float32, words []int32, w *written, r *rand.Rand) {
	clear(dst)
	w.words, w.mask = w.words[:0], w.mask[:0]
	for _, word := range words {
		if r != nil && e.wordDropout > 0 && r.Float64() < e.wordDropout {
			continue
		}
		w.words = append(w.words, word)
		f32.Add(dst, e.table[int(word)*e.size:(int(word)+1)*e.size])
	}
	if len(w.words) == 0 {
		return
	}
	factor := float32(1)
	if e.mean {
		factor = 1 / float32(len(w.words))
	}
	dropping := r != nil && e.dropout > 0
	if factor == 1 && !dropping {
		return
	}
	keep := float32(1 / (1 - e.dropout))
	var bits uint64
	threshold := uint64(e.dropout * (1 << 16))
	for d := range dst {
		m := factor
		if dropping {
			if d%4 == 0 {
				bits = r.Uint64()
			}
			if bits&0xffff < threshold {
				m = 0
			} else {
				m *= keep
			}
			bits >>= 16
		}
		w.mask = append(w.mask, m)
		dst[d] *= m
	}
}

// sparse is a gradient by the rows of a matrix of which few are touched.
type sparse struct {
	size   int
	at     []int32 // of each row, its place in rows; -1: untouched
	rows   []int32
	values []float32 // [rows, size]
}

func newSparse(rows, size int) *sparse {
	s := &sparse{size: size, at: make([]int32, rows)}
	for i := range s.at {
		s.at[i] = -1
	}
	return s
}

// reset forgets the gradient.
func (s *sparse) reset() {
	for _, r := range s.rows {
		s.at[r] = -1
	}
	s.rows, s.values = s.rows[:0], s.values[:0]
}

// add adds the gradient d of an input's row to the gradients of its words.
func (s *sparse) add(w *written, d []float32) {
	if len(w.mask) > 0 {
		f32.Mul(d, d, w.mask)
	}
	for _, word := range w.words {
		k := s.at[word]
		if k < 0 {
			k = int32(len(s.rows))
			s.at[word] = k
			s.rows = append(s.rows, word)
			for range s.size {
				s.values = append(s.values, 0)
			}
		}
		f32.Add(s.values[int(k)*s.size:(int(k)+1)*s.size], d)
	}
}

// sumSquares is the gradient's squared norm.
func (s *sparse) sumSquares() float64 {
	sum := 0.0
	for _, g := range s.values {
		sum += float64(float64(g) * float64(g))
	}
	return sum
}

// rowAdam is Adam on the rows that have a gradient alone; the moments of others
// stay as they are.
//
// Reference: Kingma and Ba, arXiv 1412.6980; the lazy form is taken from PyTorch's
// SparseAdam.
type rowAdam struct{ m, v []float32 }

// step moves the rows of table by g.
func (a *rowAdam) step(table []float32, g *sparse, step f32.AdamStep) {
	for k, row := range g.rows {
		from, to := int(row)*g.size, (int(row)+1)*g.size
		step.Apply(table[from:to], a.m[from:to], a.v[from:to], g.values[k*g.size:(k+1)*g.size])
	}
}
