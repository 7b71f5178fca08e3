package model

import (
	"fmt"
	"math"

	"qtool/quant"
)

// Scaling derives every layer's scaling from the quantizers. It returns an
// error that names a layer with an activation that has neither a polynomial nor
// a quantizer, or with a scale that leaves the range of float64.
func (q *Quantized) Scaling() ([]LayerScaling, error) { return q.walk(nil, false) }

// Observation is what the scales of a weighted layer are chosen from.
type Observation struct {
	Layer   Layer
	Index   int
	Folded  []float32 // weights, each row one output's
	Outputs int
	Bits    quant.BitWidth
	Scales  []float32 // as they are; empty before the first choice
	// Bias holds the layer's biases and InScale the scale of its inputs; Bias is
	// nil where a table takes it.
	Bias    []float32
	InScale float64
	// Lo and Hi, where asked for, bound the integers that meet each weight of a
	// row. Window is how many accumulators a pool adds up before a table reads them.
	Lo, Hi []float64
	Window int
}

// Observer chooses the scales of a weighted layer: one for the layer or one an
// output. It must not change what it is given.
type Observer func(o Observation) ([]float32, error)

// Calibrate chooses every layer's weight scales by observe, in order (a layer's
// folded weights depend on the scales before it), and returns the scaling.
//
// ranges says whether observe needs Lo and Hi.
func (q *Quantized) Calibrate(observe Observer, ranges bool) ([]LayerScaling, error) {
	return q.walk(observe, ranges)
}

// walker is the tensor that a walk has come to.
type walker struct {
	q                     *Quantized
	observe               Observer
	shape                 []int
	ranges                bool
	scale, offset, lo, hi []float64 // lo and hi only with ranges
	weighted, tabled      int
}

func (q *Quantized) walk(observe Observer, ranges bool) ([]LayerScaling, error) {
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	if err := q.Input.Validate(); err != nil {
		return nil, fmt.Errorf("model: input quantizer: %w", err)
	}
	zero := float64(q.Input.ZeroPoint)
	w := walker{
		q: q, observe: observe, ranges: ranges, shape: q.Network.Input, scale: []float64{float64(q.Input.Scale)},
		lo: []float64{float64(q.Input.QMin()) - zero}, hi: []float64{float64(q.Input.QMax()) - zero},
	}
	all := make([]LayerScaling, len(q.Network.Layers))
	for i, l := range q.Network.Layers {
		err := w.layer(i, l, &all[i], shapes[i])
		if err == nil {
			err = checkScales(all[i].Out)
		}
		if err != nil {
			return nil, fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
		}
		all[i].Offset, w.scale, w.shape = w.offset, all[i].Out, shapes[i]
		if l.Tabled() {
			w.offset = nil
		}
	}
	if w.weighted != len(q.Weights) {
		return nil, fmt.Errorf("model: %d weight quantizers for %d weighted layers", len(q.Weights), w.weighted)
	}
	if w.tabled != len(q.Activations) {
		return nil, fmt.Errorf("model: %d activation quantizers for %d tabled activations", len(q.Activations), w.tabled)
	}
	return all, nil
}

func (w *walker) layer(i int, l Layer, s *LayerScaling, out []int) error {
	s.Out = w.scale
	switch {
	case l.Weighted():
		return w.weigh(i, l, s)
	case l.Type == BatchNorm:
		if w.offset == nil {
			return fmt.Errorf("no table follows that could take it in: fold it into the layer before")
		}
		slope, offset := w.q.Params.Normalisation(l.Name)
		for c := range slope {
			offset[c] += float64(slope[c] * w.offset[c])
			if slope[c] *= w.scale[c%len(w.scale)]; slope[c] == 0 {
				slope[c] = leastSlope // the channel is its offset
			}
		}
		s.Out, w.offset = slope, offset
	case l.Type == AvgPool:
		s.PoolSize = l.Kernel * l.Kernel
		s.Out = scaled(w.scale, 1/float64(s.PoolSize))
		w.lo, w.hi = scaled(w.lo, float64(s.PoolSize)), scaled(w.hi, float64(s.PoolSize))
	case l.Type == Flatten:
		s.Out = spread(w.scale, out[0])
		w.lo, w.hi, w.offset = spread(w.lo, out[0]), spread(w.hi, out[0]), spread(w.offset, out[0])
	case l.Tabled():
		return w.table(l, s)
	default:
		return w.polynomial(w.q.Params.Trained(l), s)
	}
	return nil
}

// leastSlope stands for a batch norm's slope of 0, and for one that is too small for
// float64: at it no accumulator that a table can have moves an offset of a size that
// matters, and the channel stays the constant that it is.
const leastSlope = 0x1p-126

func (w *walker) weigh(i int, l Layer, s *LayerScaling) error {
	if w.weighted == len(w.q.Weights) {
		return fmt.Errorf("it has no weight quantizer")
	}
	s.weights = &w.q.Weights[w.weighted]
	w.weighted++
	inScale := s.foldInputs(w.scale)
	weight, bias := w.q.Params.Of(l.Name)
	outputs := l.WeightShape(w.shape)[0]
	table := w.q.Network.TableAfter(i)
	s.Deferred = table >= 0
	w.offset = nil
	if w.observe != nil {
		folded := weight // observers do not change it
		if s.Fold != nil {
			folded = s.FoldedWeights(weight, outputs)
		}
		o := Observation{
			Layer: l, Index: i, Folded: folded, Outputs: outputs, Bits: s.weights.Bits,
			Scales: s.weights.Scales, Bias: bias, InScale: inScale, Window: 1,
		}
		if w.ranges {
			o.Lo, o.Hi = w.meets(l, len(weight)/outputs)
		}
		if s.Deferred {
			o.Bias = nil
			for _, between := range w.q.Network.Layers[i:table] {
				if between.Type == AvgPool {
					o.Window *= between.Kernel * between.Kernel
				}
			}
		}
		scales, err := w.observe(o)
		if err != nil {
			return err
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
	if s.Deferred {
		w.offset = make([]float64, outputs)
		for o := range w.offset {
			w.offset[o] = float64(bias[o])
		}
	}
	if w.ranges && !s.Deferred { // a table begins a range of its own
		w.accumulate(l, s, weight, bias, outputs)
	}
	return nil
}

// meets is the interval of the integer that meets each weight of a row. With
// padding a tap may meet nothing, which is 0.
func (w *walker) meets(l Layer, row int) (lo, hi []float64) {
	lo, hi = make([]float64, row), make([]float64, row)
	for k := range row {
		lo[k], hi[k] = w.lo[k*len(w.lo)/row], w.hi[k*len(w.hi)/row]
		if l.Padding > 0 {
			lo[k], hi[k] = min(lo[k], 0), max(hi[k], 0)
		}
	}
	return lo, hi
}

// accumulate moves lo and hi past a weighted layer.
func (w *walker) accumulate(l Layer, s *LayerScaling, weight, bias []float32, outputs int) {
	row := len(weight) / outputs
	inLo, inHi := w.meets(l, row)
	codes, biases := make([]float32, len(weight)), make([]float64, outputs)
	s.WeightCodes(codes, weight, outputs)
	if !s.Deferred {
		s.BiasCodes(biases, bias)
	}
	w.lo, w.hi = make([]float64, outputs), make([]float64, outputs)
	for o := range outputs {
		lo, hi := Interval(codes[o*row:(o+1)*row], inLo, inHi)
		w.lo[o], w.hi[o] = lo+biases[o], hi+biases[o]
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

func (w *walker) table(l Layer, s *LayerScaling) error {
	if w.tabled == len(w.q.Activations) {
		return fmt.Errorf("%w, and so a quantizer of its outputs: give activations their bits", ErrNeedsTable)
	}
	s.Table = &w.q.Activations[w.tabled]
	w.tabled++
	p := s.Table.Params
	if s.Table.Layer != l.Name {
		return fmt.Errorf("it has the activation quantizer of %q", s.Table.Layer)
	}
	if err := p.Validate(); err != nil {
		return err
	}
	s.Slope, s.Out = w.scale, []float64{float64(p.Scale)}
	if w.offset == nil {
		w.offset = []float64{0}
	}
	zero := float64(p.ZeroPoint)
	w.lo, w.hi = []float64{float64(p.QMin()) - zero}, []float64{float64(p.QMax()) - zero}
	return nil
}

func (w *walker) polynomial(l Layer, s *LayerScaling) error {
	a, ok := l.PolynomialCoefficients()
	if !ok {
		return fmt.Errorf("it approximates %s but has no coefficients: its interval is not measured yet", l.Approximates)
	}
	s.Out = make([]float64, len(w.scale))
	s.Coeffs = make([][]float64, len(w.scale))
	for c, in := range w.scale {
		var err error
		if s.Coeffs[c], s.Out[c], err = quant.IntegerPolynomial(a, in); err != nil {
			return err
		}
	}
	lo, hi := make([]float64, max(len(w.lo), len(w.scale))), make([]float64, max(len(w.lo), len(w.scale)))
	for c := range lo {
		at := c * len(w.lo) / len(lo)
		lo[c], hi[c] = polynomialInterval(s.Coeffs[c*len(s.Coeffs)/len(lo)], w.lo[at], w.hi[at])
	}
	w.lo, w.hi = lo, hi
	return nil
}

// polynomialInterval bounds a polynomial on [lo, hi] by Horner's scheme on
// intervals; it is exact for a square.
func polynomialInterval(a []float64, lo, hi float64) (float64, float64) {
	if len(a) == 3 && a[0] == 0 && a[1] == 0 && a[2] == 1 {
		most := max(lo*lo, hi*hi)
		if lo <= 0 && hi >= 0 {
			return 0, most
		}
		return min(lo*lo, hi*hi), most
	}
	top := len(a) - 1
	from, to := a[top], a[top]
	for k := top - 1; k >= 0; k-- {
		p := [4]float64{from * lo, from * hi, to * lo, to * hi}
		from, to = min(p[0], p[1], p[2], p[3])+a[k], max(p[0], p[1], p[2], p[3])+a[k]
	}
	return from, to
}

// ErrNeedsTable marks an activation that only a lookup table can express.
var ErrNeedsTable = fmt.Errorf("needs a lookup table")

func scaled(v []float64, f float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = x * f
	}
	return out
}

// spread repeats each channel's scale over its elements; a single scale stays
// one.
func spread(v []float64, n int) []float64 {
	if len(v) <= 1 {
		return v
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = v[i*len(v)/n]
	}
	return out
}

func checkScales(v []float64) error {
	for _, s := range v {
		if s == 0 || math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("scale %v is not finite and nonzero", s)
		}
	}
	return nil
}
