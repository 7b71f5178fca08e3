package model

import (
	"fmt"
	"math"
)

func (w *walker) weigh(i int, l Layer, s *LayerScaling, t *tensor) error {
	if w.quantum[i] >= len(w.q.Weights) {
		return fmt.Errorf("it has no weight quantizer")
	}
	in := *w.tensor(w.sources[i][0])
	s.weights = &w.q.Weights[w.quantum[i]]
	s.groups = l.Groups
	inScale := s.foldInputs(in.scale)
	weight, bias := w.q.Params.Of(l.Name)
	outputs := t.shape[0]
	path := w.q.Network.PathToTable(i)
	s.Deferred = len(path) > 0
	t.offset = nil
	tie := w.tie(i, inScale)
	if w.observe != nil {
		folded := weight // observers do not change it
		if s.Fold != nil {
			folded = s.FoldedWeights(weight, outputs)
		}
		o := Observation{
			Layer: l, Index: i, Folded: folded, Outputs: outputs, Bits: s.weights.Bits,
			Scales: s.weights.Scales, Bias: bias, InScale: inScale, Window: 1, Tie: tie,
		}
		if w.ranges {
			o.Lo, o.Hi = in.meets(l, len(weight)/outputs)
		}
		if s.Deferred {
			o.Bias = nil
			for _, k := range path {
				if between := w.q.Network.Layers[k]; between.Averages() {
					o.Window *= between.Window(w.tensorShape(w.sources[k][0])).Area()
				}
			}
		}
		scales, err := w.observe(o)
		if err != nil {
			return err
		}
		if tie != nil {
			if scales, err = tie.Nearest(scales); err != nil {
				return err
			}
		}
		if len(scales) == len(s.weights.Scales) {
			copy(s.weights.Scales, scales) // learned scales are shared
		} else {
			s.weights.Scales = scales
		}
	}
	if n := len(s.weights.Scales); s.weights.Layer != l.Name || n != 1 && n != outputs {
		return fmt.Errorf("weight quantizer of %q with %d scales for %d outputs", s.weights.Layer, n, outputs)
	}
	s.Out = make([]float64, len(s.weights.Scales))
	for o, scale := range s.weights.Scales {
		if err := s.weights.Params(o).Validate(); err != nil {
			return err
		}
		s.Out[o] = float64(scale) * inScale
	}
	if tie != nil {
		var err error
		if s.Out, err = tie.out(s.weights.Scales, w.declare); err != nil {
			return err
		}
	}
	if s.Deferred {
		t.offset = make([]float64, outputs)
		for o := range t.offset {
			t.offset[o] = float64(bias[o])
		}
	}
	if w.ranges && !s.Deferred { // a table begins a range of its own
		w.accumulate(l, s, &in, t, weight, bias)
	}
	return nil
}

// tensorShape is the shape of a layer's tensor, or of the input.
func (w *walker) tensorShape(i int) []int { return shapeOf(w.q.Network, w.shapes, i) }

// meets is the interval of the integer that meets each weight of a row, for each
// group of the layer in turn. With padding a tap may meet nothing, which is 0.
func (t *tensor) meets(l Layer, row int) (lo, hi []float64) {
	n := row * max(l.Groups, 1)
	lo, hi = make([]float64, n), make([]float64, n)
	for k := range n {
		lo[k], hi[k] = t.lo[k*len(t.lo)/n], t.hi[k*len(t.hi)/n]
	}
	if !l.Padding.IsZero() {
		widen(lo, hi)
	}
	return lo, hi
}

// accumulate moves lo and hi of t past a weighted layer that reads in.
func (w *walker) accumulate(l Layer, s *LayerScaling, in, t *tensor, weight, bias []float32) {
	outputs := len(bias)
	row := len(weight) / outputs
	o := Observation{Layer: l, Outputs: outputs}
	o.Lo, o.Hi = in.meets(l, row)
	codes, biases := make([]float32, len(weight)), make([]float64, outputs)
	s.WeightCodes(codes, weight, outputs)
	if !s.Deferred {
		s.BiasCodes(biases, bias)
	}
	t.lo, t.hi = make([]float64, outputs), make([]float64, outputs)
	for k := range outputs {
		inLo, inHi := o.Meets(k)
		lo, hi := Interval(codes[k*row:(k+1)*row], inLo, inHi)
		t.lo[k], t.hi[k] = lo+biases[k], hi+biases[k]
	}
}

// Interval is the range of sum_k codes[k] x_k over x_k in [lo_k, hi_k].
func Interval(codes []float32, lo, hi []float64) (from, to float64) {
	for k, m := range codes {
		if m := float64(m); m > 0 {
			from += float64(m * lo[k])
			to += float64(m * hi[k])
		} else if m < 0 {
			from += float64(m * hi[k])
			to += float64(m * lo[k])
		}
	}
	return from, to
}

// foldInputs sets Fold and returns S, the scale that the folded input has.
func (s *LayerScaling) foldInputs(in []float64) float64 {
	if len(in) == 1 {
		return in[0] // keeps the sign of a negative polynomial scale
	}
	largest := 0.0
	for _, v := range in {
		largest = max(largest, math.Abs(v))
	}
	s.Fold = make([]float32, len(in))
	for i, v := range in {
		s.Fold[i] = float32(v / largest)
	}
	return largest
}
