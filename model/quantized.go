package model

import (
	"fmt"
	"math"

	"qtool/quant"
)

// Quantized is a network with a quantizer for its input and for the weights of
// every weighted layer. Params are the float master weights, from which the
// integers follow.
//
// Between layers nothing is rounded: this is the polynomial family, where an
// accumulator's integer goes through a polynomial into the next layer.
type Quantized struct {
	Network *Network
	Params  Parameters
	Input   quant.Params
	Weights []WeightQuantizer // one a weighted layer, in order
}

// WeightQuantizer is the symmetric, narrow-range quantizer of a layer's folded
// weights (see LayerScaling): one scale for the layer or one an output channel.
type WeightQuantizer struct {
	Layer  string         `json:"layer"`
	Bits   quant.BitWidth `json:"bits"`
	Scales []float32      `json:"scales"`
}

// Params is the quantizer of output channel o.
func (w WeightQuantizer) Params(o int) quant.Params {
	return quant.Params{Scale: w.Scales[o%len(w.Scales)], Bits: w.Bits, Signed: true, NarrowRange: true}
}

// LayerScaling is what a layer's integers mean. A tensor's integer n of channel
// c stands for the real Out[c]*n (Out has one element where all channels share
// it).
//
// For a weighted layer with input scales s_i:
//
//	S      = max |s_i|,  Fold_i = s_i / S
//	m_oi   = quantize(w_oi * Fold_i, scale_o)     integer weights
//	beta_o = round(b_o / Out_o)                   integer bias
//	Out_o  = scale_o * S
//
// so that sum_i m_oi n_i + beta_o at scale Out_o approximates the real
// pre-activation even where the scales differ between input channels.
type LayerScaling struct {
	Out []float64
	// Fold is nil where the input has one scale (all factors 1).
	Fold []float32
	// Coeffs are a polynomial activation's integer coefficients, one row for the
	// tensor or one a channel; see quant.IntegerPolynomial.
	Coeffs [][]float64
	// PoolSize is kernel*kernel of an average pool, whose integer form is a sum.
	PoolSize int
	weights  *WeightQuantizer
}

// Scaling derives every layer's scaling from the quantizers. It returns an
// error that names a layer with an activation that no polynomial expresses, or
// with a scale that leaves the range of float64.
func (q *Quantized) Scaling() ([]LayerScaling, error) { return q.walk(nil) }

// Observer chooses the scales of a weighted layer from its folded weights: one
// for the layer or one an output.
type Observer func(l Layer, folded []float32, outputs int) ([]float32, error)

// Calibrate chooses every layer's weight scales by observe, in order (a layer's
// folded weights depend on the scales before it), and returns the scaling.
func (q *Quantized) Calibrate(observe Observer) ([]LayerScaling, error) { return q.walk(observe) }

func (q *Quantized) walk(observe Observer) ([]LayerScaling, error) {
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	if err := q.Input.Validate(); err != nil {
		return nil, fmt.Errorf("model: input quantizer: %w", err)
	}
	all := make([]LayerScaling, len(q.Network.Layers))
	in := []float64{float64(q.Input.Scale)}
	weighted := 0
	for i, l := range q.Network.Layers {
		s := &all[i]
		s.Out = in
		switch {
		case l.Weighted():
			if weighted == len(q.Weights) {
				return nil, fmt.Errorf("model: layer %q has no weight quantizer", l.Name)
			}
			s.weights = &q.Weights[weighted]
			weighted++
			largest := s.foldInputs(in)
			if observe != nil {
				w, _ := q.Params.Of(l.Name)
				outputs := l.WeightShape([]int{1})[0]
				s.weights.Scales, err = observe(l, s.FoldedWeights(w, outputs), outputs)
			}
			if err == nil {
				err = s.weigh(l, largest)
			}
		case l.Type == AvgPool:
			s.PoolSize = l.Kernel * l.Kernel
			s.Out = scaled(in, 1/float64(s.PoolSize))
		case l.Type == Flatten:
			s.Out = spread(in, shapes[i][0])
		default:
			err = s.activate(l, in)
		}
		if err == nil {
			err = checkScales(s.Out)
		}
		if err != nil {
			return nil, fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
		}
		in = s.Out
	}
	if weighted != len(q.Weights) {
		return nil, fmt.Errorf("model: %d weight quantizers for %d weighted layers", len(q.Weights), weighted)
	}
	return all, nil
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

func (s *LayerScaling) weigh(l Layer, inScale float64) error {
	outputs := l.WeightShape([]int{1})[0]
	if n := len(s.weights.Scales); s.weights.Layer != l.Name || n != 1 && n != outputs {
		return fmt.Errorf("weight quantizer of %q with %d scales for %d outputs", s.weights.Layer, n, outputs)
	}
	s.Out = make([]float64, len(s.weights.Scales))
	for o, w := range s.weights.Scales {
		if err := s.weights.Params(o).Validate(); err != nil {
			return err
		}
		s.Out[o] = float64(w) * inScale
	}
	return nil
}

func (s *LayerScaling) activate(l Layer, in []float64) error {
	a, ok := l.PolynomialCoefficients()
	if !ok {
		return fmt.Errorf("%w: this activation is no polynomial", ErrNeedsTable)
	}
	s.Out = make([]float64, len(in))
	s.Coeffs = make([][]float64, len(in))
	for c := range in {
		var err error
		if s.Coeffs[c], s.Out[c], err = quant.IntegerPolynomial(a, in[c]); err != nil {
			return err
		}
	}
	return nil
}

// ErrNeedsTable marks an activation that only a lookup table can express.
var ErrNeedsTable = fmt.Errorf("needs a lookup table, which the polynomial family does not have")

// WeightCodes writes the integer weights of w, of shape [outputs, inputs...]
// with inputs split evenly over Fold's channels, as float32 (which is exact).
func (s *LayerScaling) WeightCodes(dst, w []float32, outputs int) {
	row := len(w) / outputs
	for o := range outputs {
		d, src := dst[o*row:(o+1)*row], w[o*row:(o+1)*row]
		if s.Fold != nil {
			s.fold(d, src)
			src = d
		}
		s.weights.Params(o).Codes(d, src)
	}
}

// fold multiplies a row of weights by the input channels' factors.
func (s *LayerScaling) fold(dst, w []float32) {
	per := len(w) / len(s.Fold)
	for c, f := range s.Fold {
		for k := c * per; k < (c+1)*per; k++ {
			dst[k] = w[k] * f
		}
	}
}

// FoldedWeights is w with the input channels' factors multiplied in: what the
// weight quantizer sees and what calibration chooses its scale from.
func (s *LayerScaling) FoldedWeights(w []float32, outputs int) []float32 {
	folded := make([]float32, len(w))
	copy(folded, w)
	if s.Fold != nil {
		row := len(w) / outputs
		for o := range outputs {
			s.fold(folded[o*row:(o+1)*row], folded[o*row:(o+1)*row])
		}
	}
	return folded
}

// WeightSlopes writes d code / d w of the straight-through estimator: Fold/scale
// where the weight was not clamped, 0 where it was.
func (s *LayerScaling) WeightSlopes(dst, w []float32, outputs int) {
	row := len(w) / outputs
	for o := range outputs {
		q := s.weights.Params(o)
		d, src := dst[o*row:(o+1)*row], w[o*row:(o+1)*row]
		for k, v := range src {
			f := float32(1)
			if s.Fold != nil {
				f = s.Fold[k*len(s.Fold)/row]
			}
			d[k] = 0
			if q.Inside(v * f) {
				d[k] = f / q.Scale
			}
		}
	}
}

// BiasCodes writes the integers Round24(round(b/Out)), half to even. The bundle
// stores the same.
func (s *LayerScaling) BiasCodes(dst []float64, b []float32) {
	for o, v := range b {
		dst[o] = quant.Round24(math.RoundToEven(float64(v) / s.Out[o%len(s.Out)]))
	}
}

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
	if len(v) == 1 {
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
