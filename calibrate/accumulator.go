package calibrate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"qtool/kernel/f32"
	"qtool/model"
	"qtool/quant"
	"qtool/quant/bulk"
)

// AccumulatorConfig bounds the static bound of a layer's accumulators. 0 bits
// leaves it alone.
//
// Before a table, Bits is the width of the table's index: after a rounding shift
// by Shift bits a neuron's static bound holds at most 2^Bits integers, wherever
// they lie. Elsewhere it is the width of a two's complement integer that holds
// the range, bias included.
type AccumulatorConfig struct {
	Bits  int `yaml:"bits" json:"bits"`
	Shift int `yaml:"shift" json:"shift"`
}

// ErrBound marks accumulators that no scale of the weights brings within their
// bound.
var ErrBound = errors.New("no scale brings its range")

// Limits of AccumulatorConfig.
const (
	maxAccumulatorBits = 1000
	maxShift           = 16
)

// Validate returns an error that names the key, the value and the limit.
func (c AccumulatorConfig) Validate() error {
	if c.Bits < 0 || c.Bits == 1 || c.Bits > maxAccumulatorBits {
		return fmt.Errorf("accumulator.bits: %d is outside 2..%d (or 0 for no bound)", c.Bits, maxAccumulatorBits)
	}
	if c.Shift < 0 || c.Shift > maxShift {
		return fmt.Errorf("accumulator.shift: %d is outside 0..%d", c.Shift, maxShift)
	}
	return nil
}

// Bounded lets observe choose a layer's scales and then raises each until the
// output's static bound fits bounds(layer). Raising a scale makes no integer
// weight larger, so that the smallest such scale is found by bisection; it is
// kept to a relative 2^-10.
//
// Every output gets a scale of its own. The bound is on the L1 norm of an
// output's weights in the metric of its inputs' widths, as in A2Q, but taken on
// the range itself, which need not be symmetric. It returns an error that wraps
// ErrBound where nothing fits.
//
// Reference: Colbert et al., arXiv 2308.13504 (A2Q) and 2401.10432 (A2Q+).
func Bounded(observe model.Observer, bounds func(layer string) AccumulatorConfig) model.Observer {
	return func(o model.Observation) ([]float32, error) {
		scales, err := observe(o)
		limit := bounds(o.Layer.Name)
		if err != nil || limit.Bits == 0 {
			return scales, err
		}
		out := make([]float32, o.Outputs)
		err = split(o.Outputs, func(from, to int) error {
			b := newBound(&o, limit)
			for k := from; k < to; k++ {
				var err error
				b.take(k)
				if out[k], err = b.raise(scales[k*len(scales)/o.Outputs]); err != nil {
					return fmt.Errorf("calibrate: layer %q, output %d: %w", o.Layer.Name, k, err)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if o.Tie == nil {
			return out, nil
		}
		return boundTied(&o, limit, out)
	}
}

// boundTied is the first choice of a tied layer's scales, going up from least, that
// keeps each output within its limit. It is not always the first one that no scale of
// least passes: between two scales that fit, a bias may lose a step by rounding where
// the weights lose none, and the range leaves the limit on one side.
func boundTied(o *model.Observation, limit AccumulatorConfig, least []float32) ([]float32, error) {
	b := newBound(o, limit)
	least = slices.Clone(least)
	for {
		scales, err := o.Tie.AtLeast(least)
		if err != nil {
			return nil, fmt.Errorf("calibrate: layer %q: %w", o.Layer.Name, err)
		}
		all := true
		for k := range o.Outputs {
			scale := scales[k*len(scales)/o.Outputs]
			if b.take(k); b.fits(scale) {
				continue
			}
			all = false
			if least[k], err = b.raise(scale); err != nil {
				return nil, fmt.Errorf("calibrate: layer %q, output %d: %w that also meets the scale of the tensor that it is added to", o.Layer.Name, k, err)
			}
		}
		if all {
			return scales, nil
		}
	}
}

// bound is the range condition of one output.
type bound struct {
	o                          *model.Observation
	limit                      AccumulatorConfig
	uniform                    bool // all weights meet the same interval, and float32 holds the codes' sum
	weights, magnitudes, codes []float32
	bias                       float64
	lo, hi                     []float64 // of what meets each weight
}

func newBound(o *model.Observation, limit AccumulatorConfig) *bound {
	row := len(o.Folded) / o.Outputs
	b := &bound{o: o, limit: limit, codes: make([]float32, row), magnitudes: make([]float32, row)}
	b.uniform = row<<o.Bits <= 1<<24
	for k := range o.Lo {
		b.uniform = b.uniform && o.Lo[k] == o.Lo[0] && o.Hi[k] == o.Hi[0]
	}
	return b
}

// take makes b the condition of output k.
func (b *bound) take(k int) {
	row := len(b.codes)
	b.weights = b.o.Folded[k*row : (k+1)*row]
	b.lo, b.hi = b.o.Meets(k)
	for i, w := range b.weights {
		b.magnitudes[i] = max(w, -w)
	}
	if b.o.Bias != nil {
		b.bias = float64(b.o.Bias[k])
	}
}

// interval is the range of the output at the given scale, without its bias.
func (b *bound) interval(scale float32) (lo, hi float64) {
	p := quant.Params{Scale: scale, Bits: b.o.Bits, Signed: true, NarrowRange: true}
	if !b.uniform || p.Binary() {
		bulk.Codes(p, b.codes, b.weights)
		return model.Interval(b.codes, b.lo, b.hi)
	}
	grid := bulk.Grid(p)
	grid.Quantize(b.codes, b.weights)
	sum := float64(f32.Sum(b.codes))
	grid.Quantize(b.codes, b.magnitudes)
	norm := float64(f32.Sum(b.codes))
	positive, negative := (norm+sum)/2, (norm-sum)/2
	return float64(positive*b.lo[0]) - float64(negative*b.hi[0]), float64(positive*b.hi[0]) - float64(negative*b.lo[0])
}

// fits reports whether the output's range fits at the given scale.
func (b *bound) fits(scale float32) bool {
	lo, hi := b.interval(scale)
	if b.o.Bias == nil {
		unit := math.Ldexp(1, -b.limit.Shift)
		lo, hi = math.RoundToEven(lo*float64(b.o.Window)*unit), math.RoundToEven(hi*float64(b.o.Window)*unit)
		return hi-lo <= math.Ldexp(1, b.limit.Bits)-1
	}
	bias := quant.Round24(math.RoundToEven(b.bias / (float64(scale) * b.o.InScale)))
	most := math.Ldexp(1, b.limit.Bits-1) - 1
	return lo+bias >= -most && hi+bias <= most
}

// raise is the smallest scale from `from` on that fits, nearly.
func (b *bound) raise(from float32) (float32, error) {
	if b.fits(from) {
		return from, nil
	}
	lo, hi := from, from
	for factor := float32(1.02); !b.fits(hi); factor *= factor {
		lo, hi = hi, hi*factor
		if math.IsInf(float64(hi), 0) {
			return 0, fmt.Errorf("%w into %d bits", ErrBound, b.limit.Bits)
		}
	}
	for hi-lo > hi*0x1p-10 {
		if mid := lo + float32((hi-lo)/2); b.fits(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, nil
}
