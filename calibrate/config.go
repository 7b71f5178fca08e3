package calibrate

import (
	"fmt"

	"qtool/quant"
)

// Config says which grids a network's tensors get and how their ranges are
// found: part of the recipe's `quantize` section.
type Config struct {
	Weights WeightConfig `yaml:"weights" json:"weights"`
	Input   InputConfig  `yaml:"input" json:"input"`
	// Activations are the outputs of activations that only a table can express.
	Activations ActivationConfig `yaml:"activations" json:"activations"`
	// Accumulator bounds the accumulators that a table reads, or else the logits.
	Accumulator AccumulatorConfig `yaml:"accumulator" json:"accumulator"`
	// Layers overrides single layers, by name.
	Layers map[string]LayerConfig `yaml:"layers" json:"layers,omitempty"`
	// Learn says which scales are learned.
	Learn LearnConfig `yaml:"learn" json:"learn"`
	// Images is how many training samples calibrate the input.
	Images int `yaml:"images" json:"images"`
	// CellRange is the largest |c| of the cell state of an LSTM whose gates are tables;
	// Fraction the bits behind the point of the states where they are polynomials.
	CellRange int `yaml:"cell_range,omitempty" json:"cell_range,omitempty"`
	Fraction  int `yaml:"fraction,omitempty" json:"fraction,omitempty"`
}

// InputConfig is the grid of the input, or of another tensor of activations:
// affine, unsigned.
type InputConfig struct {
	Bits int `yaml:"bits" json:"bits"`
	// Observer is one of Observers.
	Observer string `yaml:"observer" json:"observer"`
	// Percentile is what the observer of that name keeps, in percent; 0 is
	// DefaultPercentile.
	Percentile float64 `yaml:"percentile" json:"percentile"`
	// Bins bounds the histogram of percentile, mse and kl; 0 is 2048, or four
	// for every value of the grid if that is more.
	Bins int `yaml:"bins" json:"bins"`
}

// Observers are the names of the ways to find the range of activations.
var Observers = []string{"minmax", "moving_average", "percentile", "mse", "kl"}

// WeightObservers are the names of the ways to find the scales of weights.
var WeightObservers = []string{"minmax", "mse"}

// Limits of a histogram's bins.
const (
	MinBins     = 64
	MaxBins     = 1 << 20
	defaultBins = 2048
	// binsPerValue is how many bins mse and kl need for every value of the grid:
	// half of them may lie beyond the values seen.
	binsPerValue = 4
)

// Validate returns an error that names the key, the value and the limit.
func (c Config) Validate() error {
	if err := c.Weights.Validate(); err != nil {
		return err
	}
	if err := c.Input.Validate(); err != nil {
		return fmt.Errorf("input.%w", err)
	}
	if err := c.Activations.Validate(); err != nil {
		return err
	}
	if err := c.Accumulator.Validate(); err != nil {
		return err
	}
	if c.Images < 1 {
		return fmt.Errorf("images: %d is not positive: calibration needs samples", c.Images)
	}
	return nil
}

// Validate returns an error that names the key, the value and the limit. A key
// that the observer does not use must be 0.
func (c InputConfig) Validate() error {
	_, err := New(c)
	return err
}

// New is a fresh observer of the configured kind.
func New(c InputConfig) (Observer, error) {
	if err := quant.CheckBits(c.Bits, false); err != nil {
		return nil, fmt.Errorf("bits: %w", err)
	}
	if c.Observer != "percentile" && c.Percentile != 0 {
		return nil, fmt.Errorf("percentile: %v is for the observer percentile, this one is %q", c.Percentile, c.Observer)
	}
	switch c.Observer {
	case "minmax", "moving_average":
		if c.Bins != 0 {
			return nil, fmt.Errorf("bins: %d is for observers with a histogram, %s has none", c.Bins, c.Observer)
		}
		if c.Observer == "minmax" {
			return &MinMax{}, nil
		}
		return &MovingAverage{Rate: DefaultRate}, nil
	case "percentile":
		percent := c.Percentile
		if percent == 0 {
			percent = DefaultPercentile
		}
		if !(percent > 50 && percent <= 100) {
			return nil, fmt.Errorf("percentile: %v is outside 50..100 (50 itself excluded)", percent)
		}
		h, err := c.histogram(MinBins)
		return &Percentile{Percent: percent, Histogram: h}, err
	case "mse":
		h, err := c.histogram(binsPerValue << c.Bits)
		return &MSE{Bits: quant.BitWidth(c.Bits), Histogram: h}, err
	case "kl":
		h, err := c.histogram(binsPerValue << c.Bits)
		return &KL{Bits: quant.BitWidth(c.Bits), Histogram: h}, err
	}
	return nil, fmt.Errorf("observer: %q is unknown: want one of %v", c.Observer, Observers)
}

// histogram is an empty one of the configured bins, or of the default which has
// at least least of them.
func (c InputConfig) histogram(least int) (Histogram, error) {
	least = max(least, MinBins)
	bins := c.Bins
	if bins == 0 {
		bins = max(defaultBins, least)
	}
	if bins < least || bins > MaxBins {
		return Histogram{}, fmt.Errorf("bins: %d is outside %d..%d for %s at %d bits", bins, least, MaxBins, c.Observer, c.Bits)
	}
	return Histogram{limit: bins}, nil
}

// Input chooses the quantizer of the input from batches of real values.
func (c InputConfig) Input(batches func(yield func([]float32) bool)) (quant.Params, error) {
	return c.Quantizer("input", batches)
}

// Quantizer chooses the quantizer of the tensor called name from batches of its
// real values. A tensor that is 0 throughout gets scale 1, which is exact;
// one of another constant gets the grid from 0 to it, which holds it too. The
// error names the tensor: for a value that is not finite, for no values, and for
// a range whose scale float32 cannot hold.
func (c InputConfig) Quantizer(name string, batches func(yield func([]float32) bool)) (quant.Params, error) {
	lo, hi, err := c.observe(batches)
	var p quant.Params
	if err == nil {
		p, err = quant.Affine(lo, hi, quant.BitWidth(c.Bits))
	}
	if err != nil {
		return quant.Params{}, fmt.Errorf("calibrate: %s: %w", name, err)
	}
	return p, nil
}

// observe is the range of batches.
func (c InputConfig) observe(batches func(yield func([]float32) bool)) (lo, hi float32, err error) {
	o, err := New(c)
	if err != nil {
		return 0, 0, err
	}
	for x := range batches {
		if err := o.Observe(x); err != nil {
			return 0, 0, err
		}
	}
	return o.Range()
}
