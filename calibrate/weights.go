package calibrate

import (
	"fmt"
	"math"
	"slices"

	"qtool/kernel/f32"
	"qtool/model"
	"qtool/quant"
	"qtool/quant/bulk"
)

// WeightConfig is the grid of every layer's weights: symmetric, narrow range.
// Two bits make it ternary, {-1, 0, +1} times the scale, and one bit binary.
type WeightConfig struct {
	Bits int `yaml:"bits" json:"bits"`
	// PerChannel gives every output channel a scale of its own.
	PerChannel bool `yaml:"per_channel" json:"per_channel"`
	// Kind is how scales are chosen, one of WeightObservers: "minmax" (also if
	// empty), where the grid just reaches the largest weight, or "mse", where
	// rounding and clipping together lose least.
	Kind string `yaml:"observer" json:"observer"`
}

// Validate returns an error that names the key, the value and the limit.
func (c WeightConfig) Validate() error {
	if err := quant.CheckBits(c.Bits, true); err != nil {
		return fmt.Errorf("weights.bits: %w", err)
	}
	switch c.Kind {
	case "mse":
	case "", "minmax":
		if c.Bits == 1 {
			return fmt.Errorf("weights.observer: minmax does not suit 1 bit, where the scale is the mean magnitude: want mse")
		}
	default:
		return fmt.Errorf("weights.observer: %q is unknown: want minmax or mse", c.Kind)
	}
	return nil
}

// Scales chooses the scales of a layer, one for all weights or one an output
// channel, for folded weights of shape [outputs, inputs...]. It returns an error
// that names the layer, and the output channel if it has its own scale, for a
// weight that is not finite and for zeros where the grid is binary.
func (c WeightConfig) Scales(layer string, folded []float32, outputs int) ([]float32, error) {
	groups := 1
	if c.PerChannel {
		groups = outputs
	}
	scales := make([]float32, groups)
	size := len(folded) / groups
	err := split(groups, func(from, to int) error {
		for g := from; g < to; g++ {
			w := folded[g*size : (g+1)*size]
			top := f32.AbsMax(w)
			if math.IsInf(float64(top), 0) || math.IsNaN(float64(top)) {
				_, _, err := extremes(w) // says which it is
				return fmt.Errorf("calibrate: layer %q: weight %w", layer, err)
			}
			p, err := quant.Symmetric(top, quant.BitWidth(c.Bits))
			switch {
			case err != nil && c.PerChannel:
				return fmt.Errorf("calibrate: layer %q: weights of output channel %d: %w", layer, g, err)
			case err != nil:
				return fmt.Errorf("calibrate: layer %q: weights: %w", layer, err)
			}
			if c.Kind == "mse" {
				p.Scale = leastSquaresScale(w, p)
			}
			scales[g] = p.Scale
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return scales, nil
}

// Follow adapts scales, which suited the weights before a step of training, to
// what they are after it. For "mse" it takes the best of s, 31/32 s and 33/32 s
// and fits that to its integers,
//
//	s' = sum w m / sum m^2,   m = clamp(round(w/s), -M, M)
//
// which never loses more than s; the search of Scales costs some hundred times as
// much. Where all integers are 0, for other kinds, and where a bound has given
// each output a scale that the layer should share, it is Scales.
func (c WeightConfig) Follow(layer string, folded, scales []float32, outputs int) ([]float32, error) {
	if c.Kind != "mse" || c.Bits == 1 || len(scales) == 0 || len(scales) > 1 && !c.PerChannel {
		return c.Scales(layer, folded, outputs)
	}
	next := make([]float32, len(scales))
	size := len(folded) / len(scales)
	codes := make([]float32, size)
	for g, old := range scales {
		w := folded[g*size : (g+1)*size]
		best := math.Inf(-1)
		for _, f := range []float32{1, 31. / 32, 33. / 32} {
			s := f * old
			bulk.Grid(quant.Params{Scale: s, Bits: quant.BitWidth(c.Bits), Signed: true, NarrowRange: true}).Quantize(codes, w)
			var sums f32.Sums
			sums.Add(w, codes, 0, 0)
			_, product := sums.Totals()
			squares := f32.SumSquares(codes)
			// The error at s is sum w^2 - gain.
			if gain := float64(s) * (2*product - float64(float64(s)*squares)); gain > best {
				best, next[g] = gain, float32(product/squares)
			}
		}
		if !(next[g] >= smallestScale) || math.IsInf(float64(next[g]), 0) {
			return c.Scales(layer, folded, outputs)
		}
	}
	return next, nil
}

// Observer is Scales in the form that model.Quantized.Calibrate takes.
func (c WeightConfig) Observer() model.Observer {
	return func(o model.Observation) ([]float32, error) {
		return c.Scales(o.Layer.Name, o.Folded, o.Outputs)
	}
}

// exactBreakpoints bounds the work of the exact search for a scale.
const exactBreakpoints = 1 << 18

// leastSquaresScale is the scale s that minimises
//
//	sum (w - s clamp(round(w/s), -M, M))^2
//
// on the symmetric grid -M..M of p, whose scale reaches the largest weight. For
// given integers m the best scale is sum|w|m / sum m^2. As s falls from above,
// the integers change one by one, at s = |w| / (k + 1/2); where there are few
// enough such points all are tried and the result is the optimum. Otherwise 256
// scales up to p's are tried and the best is improved, rounding and fitting in
// turn, until it stays. Zeros keep p's scale. On the binary grid the optimum is
// the mean magnitude.
//
// Reference for binary: Rastegari et al., arXiv 1603.05279, section 3.1.
func leastSquaresScale(w []float32, p quant.Params) float32 {
	f := fit{levels: int(p.QMax()), fallback: float64(p.Scale)}
	for _, v := range w {
		if m := math.Abs(float64(v)); m > 0 {
			f.magnitudes = append(f.magnitudes, m)
		}
	}
	if len(f.magnitudes) == 0 {
		return p.Scale
	}
	var s float64
	switch {
	case p.Binary():
		for _, m := range f.magnitudes {
			s += m
		}
		s /= float64(len(w))
	case len(f.magnitudes)*f.levels <= exactBreakpoints:
		s = f.exact()
	default:
		s = f.fine()
	}
	return max(float32(s), smallestScale)
}

// smallestScale is the smallest normal float32, as everywhere a scale is chosen.
const smallestScale = 0x1p-126

// fit looks for the scale of a grid 0..levels on positive magnitudes.
type fit struct {
	magnitudes []float64
	levels     int
	fallback   float64
}

// exact visits every assignment of integers that some scale rounds to. It sorts
// the magnitudes.
func (f fit) exact() float64 {
	slices.Sort(f.magnitudes)
	slices.Reverse(f.magnitudes)
	// With the best scale the error is sum w^2 - product^2/squares.
	best, scale := 0.0, f.fallback
	product, squares := 0.0, 0.0
	for q := newStepQueue(f.magnitudes, f.levels); len(q.heads) > 0; {
		magnitude, to := q.next()
		product += magnitude
		squares += float64(2*to - 1)
		if gain := product * product / squares; gain > best {
			best, scale = gain, product/squares
		}
	}
	return scale
}

// fine tries a lattice of scales and improves the best.
func (f fit) fine() float64 {
	best, scale := math.Inf(-1), f.fallback
	const lattice = 256
	for i := lattice; i > 0; i-- {
		s := f.fallback * float64(i) / lattice
		// The error at s is sum w^2 - gain.
		product, squares := f.assign(s)
		if gain := s * (2*product - float64(s*squares)); gain > best {
			best, scale = gain, s
		}
	}
	for range 100 {
		product, squares := f.assign(scale)
		next := product / squares
		if squares == 0 || next == scale {
			break
		}
		scale = next
	}
	return scale
}

// assign rounds to the grid of scale s: the sums of w m and of m^2.
func (f fit) assign(s float64) (product, squares float64) {
	top := float64(f.levels)
	for _, v := range f.magnitudes {
		m := min(math.RoundToEven(v/s), top)
		product += float64(v * m)
		squares += float64(m * m)
	}
	return product, squares
}
