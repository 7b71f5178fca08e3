package train_test

import (
	"math"
	"math/big"
	"testing"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// exact is where float32 stops holding every integer.
const exact = 1 << 24

// driftNetworks are small enough that with 2-bit inputs and weights every partial
// sum is proved to stay below 2^24: from 3*16 behind the pool to 18 polynomials.
func driftNetworks() map[string]*model.Network {
	with := func(activation model.Layer) *model.Network {
		activation.Name = "activation"
		return &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
			{Type: model.AvgPool, Name: "pool0", Kernel: 4},
			{Type: model.Conv, Name: "conv", Channels: 2, Kernel: 3, Stride: 3, Padding: 1},
			activation,
			{Type: model.AvgPool, Name: "pool", Kernel: 2, Stride: 1},
			{Type: model.Flatten, Name: "flat"},
			{Type: model.Dense, Name: "fc", Units: 10},
		}}
	}
	return map[string]*model.Network{
		"square":             with(model.Layer{Type: model.Square}),
		"polynomial":         with(model.Layer{Type: model.Polynomial, Coefficients: []float64{0.1, 0.5, 0.25}}),
		"falling polynomial": with(model.Layer{Type: model.Polynomial, Coefficients: []float64{0.1, 0.5, -0.25}}),
		"trained polynomial": with(model.Layer{Type: model.Polynomial, Coefficients: []float64{0.1, 0.5, 0.25}, Interval: []float64{-2, 2}, Trainable: true}),
	}
}

// trained is n, quantized to 2 bits and trained a little with fake quantization.
func trained(t *testing.T, n *model.Network, perChannel bool, images *datasets.Split) *model.Quantized {
	t.Helper()
	p, err := n.Initialise(2)
	if err != nil {
		t.Fatal(err)
	}
	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 2, PerChannel: perChannel},
		Input:   calibrate.InputConfig{Bits: 2, Observer: "minmax"}, Images: 100,
	}
	q, err := ptq.Quantize(n, p, c, images)
	if err != nil {
		t.Fatal(err)
	}
	z, err := qat.Training(q, qat.OptionsOf(c, q.Network))
	if err != nil {
		t.Fatal(err)
	}
	fit(t, train.Task{Network: n, Params: p, Quantizer: z, Train: images, Seed: 1, Config: train.Config{
		Epochs: 2, Batch: 50, LearningRate: 0.01, Schedule: "constant", Clip: 1,
	}})
	return z.Quantized()
}

// partialSums is a bound on everything that the graph adds up: terms of linear
// layers in any order, and Horner's scheme, by magnitudes.
func partialSums(t *testing.T, p *bundle.Program) float64 {
	t.Helper()
	largest, in := 0.0, magnitude(bundle.RangeOf(bundle.Vec{Small: []int64{
		int64(p.Input.Quantizer.QMin() - p.Input.Quantizer.ZeroPoint), int64(p.Input.Quantizer.QMax() - p.Input.Quantizer.ZeroPoint),
	}}))
	for i, n := range p.Nodes {
		switch op := n.Op.(type) {
		case bundle.Linear:
			rows := op.Rows(p.InShape(i))
			bias := 0.0
			for o := range rows.Outputs() {
				bias = math.Max(bias, math.Abs(rows.Bias.Float(o)))
			}
			largest = math.Max(largest, float64(rows.MaxL1())*in+bias)
		case *bundle.Polynomial:
			for _, row := range op.Coeffs {
				acc := 0.0
				for k := row.Len() - 1; k >= 0; k-- {
					acc = acc*in + math.Abs(row.Float(k))
				}
				largest = math.Max(largest, acc)
			}
		}
		in = magnitude(n.Range)
	}
	return largest
}

func magnitude(r bundle.Range) float64 {
	f, _ := new(big.Float).SetInt(r.MaxAbs()).Float64()
	return f
}

// Zero drift: where the proof says that float32 is exact, the fake-quantized
// graph's logits are the integer program's times their scale, bit for bit.
func TestZeroDrift(t *testing.T) {
	images, test := digits(t, 300, 200)
	for name, n := range driftNetworks() {
		for _, perChannel := range []bool{false, true} {
			q := trained(t, n, perChannel, images)
			p, err := export.Program(q, make([]string, 10))
			if err != nil {
				t.Fatal(err)
			}
			if sum := partialSums(t, p); sum >= exact {
				t.Fatalf("%s, per channel %v: partial sums up to %v pass 2^24: the network is too large for this test", name, perChannel, sum)
			}
			checkDrift(t, name, q, p, test)
		}
	}
}

func checkDrift(t *testing.T, name string, q *model.Quantized, p *bundle.Program, images *datasets.Split) {
	t.Helper()
	z, err := qat.New(q)
	if err != nil {
		t.Fatal(err)
	}
	e, err := train.NewEvaluator(q.Network, q.Params, z)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	logits, err := e.Logits(images)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[float32]bool{}
	for i := range logits {
		v, err := r.Run(p.Input.Quantize(images.Image(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, got := range logits[i] {
			if want := float32(p.Output().Real(v, k)); got != want {
				t.Fatalf("%s: image %d, logit %d: the graph has %v, the integers %v", name, i, k, got, want)
			}
			distinct[got] = true
		}
	}
	if len(distinct) < 100 {
		t.Errorf("%s: only %d different logits: this shows little", name, len(distinct))
	}
}
