package calibrate

import (
	"fmt"
	"math"

	"qtool/kernel/f32"
	"qtool/model"
	"qtool/quant"
)

// Config says which grids a network's tensors get and how their ranges are
// found: part of the recipe's `quantize` section.
type Config struct {
	Weights WeightConfig `yaml:"weights" json:"weights"`
	Input   InputConfig  `yaml:"input" json:"input"`
	// Images is how many training images calibrate the input.
	Images int `yaml:"images" json:"images"`
}

// WeightConfig is the grid of every layer's weights: symmetric, narrow range.
type WeightConfig struct {
	Bits int `yaml:"bits" json:"bits"`
	// PerChannel gives every output channel a scale of its own.
	PerChannel bool `yaml:"per_channel" json:"per_channel"`
}

// InputConfig is the grid of the input: affine, unsigned.
type InputConfig struct {
	Bits     int    `yaml:"bits" json:"bits"`
	Observer string `yaml:"observer" json:"observer"`
}

// Validate returns an error that names the key, the value and the limit.
func (c Config) Validate() error {
	if err := quant.CheckBits(c.Weights.Bits, true); err != nil {
		return fmt.Errorf("weights.bits: %w", err)
	}
	if err := quant.CheckBits(c.Input.Bits, false); err != nil {
		return fmt.Errorf("input.bits: %w", err)
	}
	if c.Images < 1 {
		return fmt.Errorf("images: %d is not positive: calibration needs images", c.Images)
	}
	_, err := c.Input.observer()
	return err
}

func (c InputConfig) observer() (Observer, error) {
	switch c.Observer {
	case "minmax":
		return &MinMax{}, nil
	case "moving_average":
		return &MovingAverage{Rate: DefaultRate}, nil
	}
	return nil, fmt.Errorf("input.observer: %q is unknown: want minmax or moving_average", c.Observer)
}

// Input chooses the input's quantizer from batches of real values.
func (c InputConfig) Input(batches func(yield func([]float32) bool)) (quant.Params, error) {
	o, err := c.observer()
	if err != nil {
		return quant.Params{}, err
	}
	for x := range batches {
		if err := o.Observe(x); err != nil {
			return quant.Params{}, fmt.Errorf("calibrate: input: %w", err)
		}
	}
	lo, hi, err := o.Range()
	if err != nil {
		return quant.Params{}, fmt.Errorf("calibrate: input: %w", err)
	}
	p, err := quant.Affine(lo, hi, quant.BitWidth(c.Bits))
	if err != nil {
		return quant.Params{}, fmt.Errorf("calibrate: input: %w", err)
	}
	return p, nil
}

// Observer chooses weight scales so that the grid just reaches the largest
// folded weight, of the layer or of each output channel.
func (c WeightConfig) Observer() model.Observer {
	return func(l model.Layer, folded []float32, outputs int) ([]float32, error) {
		groups := 1
		if c.PerChannel {
			groups = outputs
		}
		scales := make([]float32, groups)
		size := len(folded) / groups
		for g := range scales {
			group := folded[g*size : (g+1)*size]
			top := f32.AbsMax(group)
			if math.IsInf(float64(top), 0) || math.IsNaN(float64(top)) {
				_, _, err := extremes(group) // says which it is
				return nil, fmt.Errorf("calibrate: layer %q: weight %w", l.Name, err)
			}
			p, err := quant.Symmetric(top, quant.BitWidth(c.Bits))
			if err != nil {
				return nil, fmt.Errorf("calibrate: layer %q: %w", l.Name, err)
			}
			scales[g] = p.Scale
		}
		return scales, nil
	}
}
