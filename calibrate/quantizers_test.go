package calibrate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"qtool/model"
	"qtool/quant"
)

func activations(bits int, symmetric bool) ActivationConfig {
	return ActivationConfig{InputConfig: InputConfig{Bits: bits}, Symmetric: symmetric}
}

// Constants, and the ends of ranges, have defined grids.
func TestActivationQuantizer(t *testing.T) {
	signed := func(bits quant.BitWidth, scale float32) quant.Params {
		return quant.Params{Scale: scale, Bits: bits, Signed: true, NarrowRange: true}
	}
	for _, c := range []struct {
		config ActivationConfig
		values []float32
		want   quant.Params
	}{
		{activations(2, false), []float32{0.25, 0.75}, quant.Params{Scale: 0.25, Bits: 2}},
		{activations(2, false), []float32{-0.25, 0.5}, quant.Params{Scale: 0.25, ZeroPoint: 1, Bits: 2}},
		{activations(3, false), []float32{0, 0, 0}, quant.Params{Scale: 1, Bits: 3}}, // a dead activation
		{activations(3, false), []float32{7, 7}, quant.Params{Scale: 1, Bits: 3}},
		{activations(2, true), []float32{-1, 1}, signed(2, 1)},
		{activations(3, true), []float32{-0.75, 0.5}, signed(3, 0.25)},
		{activations(3, true), []float32{0, 0}, signed(3, 1)},
		{activations(3, true), []float32{1.5}, signed(3, 0.5)},
	} {
		got, err := c.config.Quantizer("act", slices.Values([][]float32{c.values}))
		if err != nil || got != c.want {
			t.Errorf("%+v of %v: %+v, %v, want %+v", c.config, c.values, got, err, c.want)
		}
	}
	for _, symmetric := range []bool{false, true} {
		for _, c := range []struct {
			values [][]float32
			want   string
		}{
			{nil, `calibrate: layer "act": `},
			{[][]float32{{1, float32(math.NaN())}}, `calibrate: layer "act": value NaN at element 1`},
		} {
			if _, err := activations(4, symmetric).Quantizer("act", slices.Values(c.values)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		}
	}
}

func TestActivationsValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Activations.Symmetric = true }, "activations.bits: they are 0, so that no other key of activations means anything"},
		{func(c *Config) { c.Activations.Observer = "mse" }, "activations.bits: they are 0"},
		{func(c *Config) { c.Activations.Bins = 64 }, "activations.bits: they are 0"},
		{func(c *Config) { c.Activations.Percentile = 99 }, "activations.bits: they are 0"},
		{func(c *Config) { c.Activations = activations(1, true) }, "activations.symmetric: 1 bit is too few"},
		{func(c *Config) { c.Activations = activations(17, false) }, "activations.bits: 17 bits is outside 1..16"},
		{func(c *Config) { c.Activations = activations(-1, false) }, "activations.bits: -1 bits is outside 1..16"},
		{func(c *Config) { c.Activations = activations(4, false); c.Activations.Bins = 64 }, "activations.bins: 64 is for observers with a histogram, minmax has none"},
		{func(c *Config) { c.Activations = activations(4, false); c.Activations.Observer = "mode" }, `activations.observer: "mode" is unknown`},
		{func(c *Config) { c.Accumulator.Bits = 1 }, "accumulator.bits: 1 is outside 2..1000 (or 0 for no bound)"},
		{func(c *Config) { c.Accumulator.Shift = 17 }, "accumulator.shift: 17 is outside 0..16"},
	} {
		config := good()
		c.change(&config)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	config := good()
	config.Activations, config.Accumulator = activations(16, true), AccumulatorConfig{Bits: 1000, Shift: 16}
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
}

// No setting that the network cannot follow is passed over.
func TestCheckNetwork(t *testing.T) {
	chain := func(kinds ...model.Kind) *model.Network {
		n := &model.Network{Input: []int{4}, Layers: []model.Layer{{Type: model.Dense, Name: "a", Units: 3}}}
		for _, k := range kinds {
			n.Layers = append(n.Layers, model.Layer{Type: k, Name: string(k)})
		}
		n.Layers = append(n.Layers, model.Layer{Type: model.Dense, Name: "b", Units: 2})
		if _, err := n.Shapes(); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tables, polynomial := chain(model.BatchNorm, model.Tanh), chain(model.Square)
	config := func(bits int, change func(*Config)) Config {
		c := good()
		c.Activations = activations(bits, false)
		change(&c)
		return c
	}
	layer := func(name string, o LayerConfig) func(*Config) {
		return func(c *Config) { c.Layers = map[string]LayerConfig{name: o} }
	}
	none := func(*Config) {}
	for _, c := range []struct {
		n      *model.Network
		config Config
		want   string // "" for none
	}{
		{tables, config(4, none), ""},
		{polynomial, config(0, none), ""},
		{tables, config(4, layer("a", LayerConfig{Bits: 2, Accumulator: &AccumulatorConfig{Bits: 8, Shift: 3}})), ""},
		{tables, config(4, layer("tanh", LayerConfig{Bits: 1})), ""},
		{tables, config(0, none), `layer "tanh" (tanh): needs a lookup table: give activations.bits`},
		{polynomial, config(4, none), "activations: the network has no activation with a quantizer of its own"},
		{polynomial, config(0, func(c *Config) { c.Learn.Activations = true }), "activations: the network has no activation"},
		{polynomial, config(0, func(c *Config) { c.Accumulator.Shift = 2 }), `layer "b": accumulator.shift 2: no table follows`},
		{tables, config(4, layer("c", LayerConfig{Bits: 2})), "layers.c: the network has no such layer"},
		{tables, config(4, layer("batchnorm", LayerConfig{Bits: 2})), "layers.batchnorm: a batchnorm layer has neither weights nor a quantizer"},
		{polynomial, config(0, layer("square", LayerConfig{Bits: 2})), "layers.square: a square layer has neither"},
		{tables, config(4, layer("tanh", LayerConfig{Accumulator: &AccumulatorConfig{Bits: 8}})), "layers.tanh.accumulator: a tanh layer has no accumulator"},
		{tables, config(4, layer("a", LayerConfig{Bits: 17})), "layers.a.bits: 17 bits is outside 1..16"},
		{tables, config(4, layer("tanh", LayerConfig{Bits: -1})), "layers.tanh.bits: -1 bits is outside 1..16"},
		{tables, config(4, layer("a", LayerConfig{Bits: 1})), "layers.a.bits: weights.observer: minmax does not suit 1 bit"},
		{tables, config(4, func(c *Config) {
			c.Activations.Symmetric, c.Layers = true, map[string]LayerConfig{"tanh": {Bits: 1}}
		}), "layers.tanh.bits: activations.symmetric: 1 bit is too few"},
		{tables, config(4, func(c *Config) {
			c.Activations.Observer, c.Activations.Bins, c.Layers = "mse", 64, map[string]LayerConfig{"tanh": {Bits: 8}}
		}), "layers.tanh.bits: activations.bins: 64 is outside 1024"},
		{tables, config(4, layer("a", LayerConfig{Accumulator: &AccumulatorConfig{Bits: 1}})), "layers.a.accumulator.bits: 1 is outside"},
		{tables, config(4, layer("b", LayerConfig{Accumulator: &AccumulatorConfig{Shift: 1}})), `layer "b": accumulator.shift 1: no table follows`},
		{chain(model.Sign), config(1, none), `layer "sign" (sign): activations.bits: a grid of 1 bit`},
		{chain(model.Sign), config(2, none), ""},
	} {
		err := c.config.CheckNetwork(c.n)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

// Two bits hold a sign, as affine grid and as symmetric.
func TestSignGrid(t *testing.T) {
	for _, symmetric := range []bool{false, true} {
		p, err := activations(2, symmetric).Quantizer("act", slices.Values([][]float32{{-1, 1, 1}}))
		if err != nil || p.Code(-1) >= 0 || p.Code(1) <= 0 {
			t.Errorf("symmetric %v: %+v, codes %v and %v, %v", symmetric, p, p.Code(-1), p.Code(1), err)
		}
	}
}
