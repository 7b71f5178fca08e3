package train_test

import (
	"context"
	"slices"
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

// exactNetworks are small enough that with 2-bit inputs and weights every partial
// sum is proved to stay below 2^24: from 3*16 behind the pool to 18 polynomials.
func exactNetworks() map[string]*model.Network {
	with := func(activation model.Layer) *model.Network {
		activation.Name = "activation"
		return &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
			{Type: model.AvgPool, Name: "pool0", Kernel: model.Both(4)},
			{Type: model.Conv, Name: "conv", Channels: 2, Kernel: model.Both(3), Stride: model.Both(3), Padding: model.AllSides(1)},
			activation,
			{Type: model.AvgPool, Name: "pool", Kernel: model.Both(2), Stride: model.Both(1)},
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
	q, err := ptq.Quantize(context.Background(), n, p, c, images)
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

// No quantized-integer mismatch: where the proof says that float32 is exact, the fake-quantized
// graph's logits are the integer program's times their scale, bit for bit.
func TestExactNetworksHaveNoMismatch(t *testing.T) {
	images, test := digits(t, 300, 200)
	for name, n := range exactNetworks() {
		for _, perChannel := range []bool{false, true} {
			q := trained(t, n, perChannel, images)
			p, err := export.Program(q, make([]string, 10))
			if err != nil {
				t.Fatal(err)
			}
			if sum := slices.Max(p.PartialSums()); sum >= exact {
				t.Fatalf("%s, per channel %v: partial sums up to %v pass 2^24: the network is too large for this test", name, perChannel, sum)
			}
			checkMismatches(t, name, q, p, test)
		}
	}
}

func checkMismatches(t *testing.T, name string, q *model.Quantized, p *bundle.Program, images *datasets.Split) {
	t.Helper()
	mismatches, answers, err := export.Mismatches(context.Background(), q, p, images)
	if err != nil {
		t.Fatal(err)
	}
	for k, d := range mismatches {
		if !d.Exact || d.Differ != 0 {
			t.Errorf("%s: layer %q: exact %v, %d elements differ", name, p.Nodes[k].Name, d.Exact, d.Differ)
		}
	}
	z, err := qat.New(q)
	if err != nil {
		t.Fatal(err)
	}
	e, err := train.NewEvaluator(q.Network, q.Params, z)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	logits, err := e.AllLogits(images)
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
		if best := logits[i][answers[i]]; best != slices.Max(logits[i]) {
			t.Errorf("%s: image %d: the answer's logit is %v of %v", name, i, best, logits[i])
		}
	}
	if len(distinct) < 100 {
		t.Errorf("%s: only %d different logits: this shows little", name, len(distinct))
	}
}
