package export

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// degenerate are ways in which a tensor, one channel of it, or the images are 0,
// constant or tiny.
var degenerate = map[string]func(p model.Parameters, s *datasets.Split){
	"nothing":                  func(model.Parameters, *datasets.Split) {},
	"weights 0":                func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.weight"), 0) },
	"all weights and biases 0": func(p model.Parameters, _ *datasets.Split) { zero(p) },
	"last weights 0":           func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc2.weight"), 0) },
	"biases 0":                 func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.bias"), 0); fill(p.Get("fc2.bias"), 0) },
	"a channel 0":              func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.weight")[:4], 0) },
	"a channel and its bias 0": func(p model.Parameters, _ *datasets.Split) {
		fill(p.Get("fc1.weight")[:4], 0)
		p.Get("fc1.bias")[0] = 0
	},
	"a tiny channel":      func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.weight")[:4], 1e-30) },
	"a subnormal channel": func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.weight")[:4], 1e-42) },
	"tiny weights":        func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.weight"), 1e-30) },
	"tiny last weights":   func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc2.weight"), -1e-38) },
	"constant weights":    func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.weight"), 0.5) },
	"huge weights":        func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.weight"), 1e30) },
	"tiny biases":         func(p model.Parameters, _ *datasets.Split) { fill(p.Get("fc1.bias"), 1e-40) },
	"images 0":            func(_ model.Parameters, s *datasets.Split) { clear(s.Images) },
	"images constant": func(_ model.Parameters, s *datasets.Split) {
		for i := range s.Images {
			s.Images[i] = 77
		}
	},
	"images nearly 0": func(_ model.Parameters, s *datasets.Split) { clear(s.Images); s.Images[3] = 1 },
	"one image":       func(_ model.Parameters, s *datasets.Split) { *s = *s.First(1) },
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

func zero(p model.Parameters) {
	for _, t := range p {
		if t.Name != "norm.variance" {
			clear(t.Data)
		}
	}
}

func degenerateNetworks() map[string]*model.Network {
	dense := func(name string, units int) model.Layer {
		return model.Layer{Type: model.Dense, Name: name, Units: units}
	}
	in := []int{1, 2, 2}
	flat := model.Layer{Type: model.Flatten, Name: "flatten"}
	return map[string]*model.Network{
		"square": {Input: in, Layers: []model.Layer{flat, dense("fc1", 3), {Type: model.Square, Name: "a"}, dense("fc2", 2)}},
		"normed": {Input: in, Layers: []model.Layer{flat, dense("fc1", 3), {Type: model.BatchNorm, Name: "norm"}, {Type: model.Square, Name: "a"}, dense("fc2", 2)}},
		"relu":   {Input: in, Layers: []model.Layer{flat, dense("fc1", 3), {Type: model.ReLU, Name: "a"}, dense("fc2", 2)}},
		"tanh":   {Input: in, Layers: []model.Layer{flat, dense("fc1", 3), {Type: model.BatchNorm, Name: "norm"}, {Type: model.Tanh, Name: "a"}, dense("fc2", 2)}},
	}
}

// way is a way to quantize.
type way struct {
	name    string
	bits    int
	weights calibrate.WeightConfig
	input   string
	options ptq.Options
	learn   bool
}

var ways = []way{
	{"minmax", 4, calibrate.WeightConfig{Bits: 4, Kind: "minmax"}, "minmax", ptq.Options{}, false},
	{"per channel", 4, calibrate.WeightConfig{Bits: 4, Kind: "mse", PerChannel: true}, "mse", ptq.Options{BiasCorrection: true}, true},
	{"kl", 4, calibrate.WeightConfig{Bits: 4, Kind: "mse"}, "kl", ptq.Options{LearnedRounding: true, BiasCorrection: true}, true},
	{"equalized", 4, calibrate.WeightConfig{Bits: 4, Kind: "mse"}, "moving_average", ptq.Options{Equalize: true}, false},
	{"8 bits", 8, calibrate.WeightConfig{Bits: 8, PerChannel: true}, "percentile", ptq.Options{}, false},
}

// Tensors that are 0, constant or tiny give a correct program by every way to
// quantize: no scale and no SQNR is no number, the integers are the quantized
// network's, and with 8 bits the logits are the float network's. Weights that
// float32 cannot compute with are refused.
func TestDegenerateTensors(t *testing.T) {
	for kind, n := range degenerateNetworks() {
		for what, change := range degenerate {
			for _, w := range ways {
				if kind == "tanh" && w.options.Equalize {
					continue // a table takes each channel's scale
				}
				t.Run(fmt.Sprintf("%s, %s, %s", kind, what, w.name), func(t *testing.T) { degenerateRun(t, n, change, w, what) })
			}
		}
	}
}

func degenerateRun(t *testing.T, n *model.Network, change func(model.Parameters, *datasets.Split), w way, what string) {
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	s := &datasets.Split{Shape: n.Input}
	for i := range 24 {
		s.Labels = append(s.Labels, uint8(i%2))
		for k := range 4 {
			s.Images = append(s.Images, uint8(i*37+k*91))
		}
	}
	change(p, s)
	config := calibrate.Config{Weights: w.weights, Input: calibrate.InputConfig{Bits: w.bits, Observer: w.input}, Images: 20}
	if slices.ContainsFunc(n.Layers, model.Layer.LookupTable) {
		config.Activations = calibrate.ActivationConfig{InputConfig: config.Input}
	}
	r, err := ptq.Run(context.Background(), ptq.Task{Network: n, Params: p, Config: config, Options: w.options, Images: s})
	if what == "huge weights" && err != nil {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	sqnr := degenerateProgram(t, r.Quantized, r.Float, s)
	if last := sqnr[len(sqnr)-1]; w.bits == 8 && last < 15 && what != "huge weights" && what != "all weights and biases 0" { // no signal has no dB
		t.Errorf("the logits have %v dB", last)
	}
	if !w.learn || what == "huge weights" || len(s.Labels) == 1 {
		return
	}
	q := r.Quantized
	config.Learn = calibrate.LearnConfig{Weights: true, Input: true, Activations: config.Activations.Bits > 0}
	z, err := qat.Training(q, qat.OptionsOf(config, q.Network))
	if err != nil {
		t.Fatal(err)
	}
	task := train.Task{Network: q.Network, Params: q.Params, Quantizer: z, Train: s, Seed: 1, Config: train.Config{Epochs: 1, Batch: 12, LearningRate: 0.01, Schedule: "constant"}}
	if _, err := train.Fit(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	degenerateProgram(t, z.Quantized(), z.Quantized().Params, s)
}

// degenerateProgram exports a network and holds the program to it.
func degenerateProgram(t *testing.T, q *model.Quantized, float model.Parameters, s *datasets.Split) []float64 {
	t.Helper()
	p, err := Program(q, []string{"0", "1"})
	if err != nil {
		t.Fatal(err)
	}
	sqnr, err := Observe(q, float, p, s, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range sqnr {
		if math.IsNaN(x) {
			t.Errorf("SQNR %v", sqnr)
		}
	}
	mismatches, _, err := Mismatches(context.Background(), q, p, s)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range mismatches {
		if d.Exact && d.Differ != 0 {
			t.Errorf("layer %d: %d integers are not the quantized network's", i, d.Differ)
		}
	}
	f := &bundle.File{Program: p}
	if f.Golden, err = bundle.MakeGolden(p, []bundle.Vec{p.Input.Quantize(s.Image(0))}); err != nil {
		t.Fatal(err)
	}
	b, err := f.Encode()
	if err == nil {
		_, err = bundle.Decode(b)
	}
	if err != nil {
		t.Errorf("the bundle cannot be read again: %v", err)
	}
	return sqnr
}
