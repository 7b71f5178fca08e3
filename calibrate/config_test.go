package calibrate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"qtool/model"
	"qtool/quant"
)

func good() Config {
	return Config{Weights: WeightConfig{Bits: 4}, Input: InputConfig{Bits: 4, Observer: "minmax"}, Images: 10}
}

func TestValidate(t *testing.T) {
	if err := good().Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Weights.Bits = 0 }, "weights.bits: 0 bits is outside 1..16"},
		{func(c *Config) { c.Weights.Bits = 1 }, "weights.observer: minmax does not suit 1 bit"},
		{func(c *Config) { c.Weights.Bits = 40 }, "weights.bits: 40 bits is outside 1..16"},
		{func(c *Config) { c.Weights.Bits = 260 }, "weights.bits: 260 bits"}, // 4 modulo 256
		{func(c *Config) { c.Input.Bits = 0 }, "input.bits: 0 bits is outside 1..16"},
		{func(c *Config) { c.Input.Bits = -1 }, "input.bits: -1 bits"},
		{func(c *Config) { c.Images = 0 }, "images: 0 is not positive"},
		{func(c *Config) { c.Input.Observer = "median" }, `input.observer: "median" is unknown: want one of [minmax moving_average percentile mse kl]`},
		{func(c *Config) { c.Weights.Kind = "kl" }, `weights.observer: "kl" is unknown: want minmax or mse`},
		{func(c *Config) { c.Input.Percentile = 99 }, `input.percentile: 99 is for the observer percentile, this one is "minmax"`},
		{func(c *Config) { c.Input.Bins = 2048 }, "input.bins: 2048 is for observers with a histogram, minmax has none"},
		{func(c *Config) { c.Input.Observer, c.Input.Percentile = "percentile", 50 }, "input.percentile: 50 is outside 50..100"},
		{func(c *Config) { c.Input.Observer, c.Input.Percentile = "percentile", 100.5 }, "input.percentile: 100.5 is outside"},
		{func(c *Config) { c.Input.Observer, c.Input.Percentile = "percentile", math.NaN() }, "input.percentile: NaN is outside"},
		{func(c *Config) { c.Input.Observer, c.Input.Bins = "percentile", 63 }, "input.bins: 63 is outside 64..1048576 for percentile"},
		{func(c *Config) { c.Input.Observer, c.Input.Bins = "mse", MaxBins+1 }, "input.bins: 1048577 is outside 64..1048576 for mse at 4 bits"},
		{func(c *Config) { c.Input.Observer, c.Input.Bits, c.Input.Bins = "kl", 8, 1000 }, "input.bins: 1000 is outside 1024..1048576 for kl at 8 bits"},
	} {
		config := good()
		c.change(&config)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestInput(t *testing.T) {
	c := InputConfig{Bits: 4, Observer: "minmax"}
	for _, test := range []struct {
		batches [][]float32
		want    quant.Params
	}{
		{[][]float32{{0, 0.5}, {1}}, quant.Params{Scale: float32(1.0 / 15), Bits: 4}},
		{[][]float32{{-1, 14}}, quant.Params{Scale: 1, ZeroPoint: 1, Bits: 4}},
		{[][]float32{{0, 0}}, quant.Params{Scale: 1, Bits: 4}},
		{[][]float32{{15}}, quant.Params{Scale: 1, Bits: 4}}, // a constant, widened to 0
	} {
		if got, err := c.Input(slices.Values(test.batches)); err != nil || got != test.want {
			t.Errorf("%v gives %+v, %v, want %+v", test.batches, got, err, test.want)
		}
	}
	for _, test := range []struct {
		batches [][]float32
		want    string
	}{
		{nil, "calibrate: input: calibration set is empty"},
		{[][]float32{{}}, "calibration set is empty"},
		{[][]float32{{1}, {0, float32(math.NaN())}}, "calibrate: input: value NaN at element 1"},
	} {
		if got, err := c.Input(slices.Values(test.batches)); err == nil || !strings.Contains(err.Error(), test.want) || got != (quant.Params{}) {
			t.Errorf("%v gives %+v and error %v, want one with %q", test.batches, got, err, test.want)
		}
	}
}

func TestWeightObserver(t *testing.T) {
	l := model.Layer{Type: model.Dense, Name: "fc", Units: 2}
	w := []float32{0.5, -7, 1, 3.5, 0, -1}
	for _, c := range []struct {
		perChannel bool
		want       []float32
	}{{false, []float32{1}}, {true, []float32{1, 0.5}}} {
		got, err := WeightConfig{Bits: 4, PerChannel: c.perChannel}.Observer()(model.Observation{Layer: l, Folded: w, Outputs: 2})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("per channel %v: scales %v, %v, want %v", c.perChannel, got, err, c.want)
		}
	}
	zeros, err := WeightConfig{Bits: 4, PerChannel: true}.Observer()(model.Observation{Layer: l, Folded: make([]float32, 6), Outputs: 2})
	if err != nil || !slices.Equal(zeros, []float32{1, 1}) {
		t.Errorf("scales %v, %v of zeros", zeros, err)
	}
	w[4] = float32(math.Inf(1))
	if _, err := (WeightConfig{Bits: 4}).Observer()(model.Observation{Layer: l, Folded: w, Outputs: 2}); err == nil || !strings.Contains(err.Error(), `calibrate: layer "fc": weight value +Inf at element 4`) {
		t.Errorf("error %v for an infinite weight", err)
	}
}
