package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// drawn is a random table network and how it is quantized.
type drawn struct {
	network *model.Network
	config  calibrate.Config
}

func draw(r *rand.Rand) drawn {
	coin := func() bool { return r.IntN(2) == 0 }
	activation := func(name string) model.Layer {
		return model.Layer{Type: []model.Kind{model.Tanh, model.Sigmoid, model.ReLU, model.Sign}[r.IntN(4)], Name: name}
	}
	n := &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{{Type: model.AvgPool, Name: "pool0", Kernel: model.Both(4)}}}
	add := func(l ...model.Layer) { n.Layers = append(n.Layers, l...) }
	pool := func(name string) {
		add(model.Layer{Type: model.AvgPool, Name: name, Kernel: model.Both(2), Stride: model.Both(1)})
	}
	add(model.Layer{Type: model.Conv, Name: "conv", Channels: 1 + r.IntN(3), Kernel: model.Both(3), Stride: model.Both(1 + r.IntN(2)), Padding: model.AllSides(r.IntN(2))})
	if coin() {
		add(model.Layer{Type: model.BatchNorm, Name: "norm"})
	}
	if coin() {
		pool("before")
	}
	flat := r.IntN(3) == 0
	if flat {
		add(model.Layer{Type: model.Flatten, Name: "flat"})
	}
	add(activation("act1"))
	if !flat {
		if coin() {
			pool("after")
		}
		add(model.Layer{Type: model.Flatten, Name: "flat"})
	}
	if coin() {
		add(model.Layer{Type: model.Dense, Name: "fc1", Units: 1 + r.IntN(8)})
		if coin() {
			add(model.Layer{Type: model.BatchNorm, Name: "norm1"})
		}
		add(activation("act2"))
	}
	add(model.Layer{Type: model.Dense, Name: "fc", Units: 10})

	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 1 + r.IntN(4), PerChannel: coin(), Kind: "mse"},
		Input:   calibrate.InputConfig{Bits: 1 + r.IntN(4), Observer: "minmax"}, Images: 20,
		Activations: calibrate.ActivationConfig{InputConfig: calibrate.InputConfig{Bits: 2 + r.IntN(4)}, Symmetric: coin()},
		Accumulator: calibrate.AccumulatorConfig{Shift: r.IntN(4)},
	}
	if c.Weights.Bits > 1 && coin() {
		c.Accumulator.Bits = 4 + r.IntN(6)
	}
	return drawn{n, c}
}

// shaken are parameters with biases and moments as training makes them.
func shaken(t *testing.T, n *model.Network, r *rand.Rand) model.Parameters {
	t.Helper()
	p, err := n.Initialise(r.Uint64())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range n.Layers {
		w, b := p.Of(l.Name)
		for k := range b {
			b[k] += float32(0.3 * r.NormFloat64())
			if l.Type == model.BatchNorm {
				w[k] = float32(r.NormFloat64()) // of any sign
				p.Get(l.Name + ".mean")[k] = float32(0.2 * r.NormFloat64())
				p.Get(l.Name + ".variance")[k] = float32(0.1 + r.Float64())
			}
		}
	}
	return p
}

// No quantized-integer mismatch of table networks: the graph's logits are the integer program's, bit
// for bit, whatever tables, batch norms, pools, shifts, grids and bounds.
func TestTablesHaveNoMismatch(t *testing.T) {
	images, test := digits(t, 20, 40)
	r := rand.New(rand.NewPCG(5, 6))
	distinct := map[float32]bool{}
	networks := 60
	if testing.Short() {
		networks = 15
	}
	for k := range networks {
		d := draw(r)
		p := shaken(t, d.network, r)
		q, err := ptq.Quantize(context.Background(), d.network, p, d.config, images)
		for d.config.Accumulator.Bits < 20 && errors.Is(err, calibrate.ErrBound) { // leaves some layer no weight
			d.config.Accumulator.Bits++
			q, err = ptq.Quantize(context.Background(), d.network, p, d.config, images)
		}
		if err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		program, err := export.Program(q, make([]string, 10))
		if err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		for i := range program.Nodes {
			if m := program.Nodes[i].Range.Magnitude(); m >= exact {
				t.Fatalf("%+v: %v in layer %q", d, m, program.Nodes[i].Name)
			}
		}
		logits, want := bothLogits(t, q, program, test.Len())
		for i := range logits {
			for c, got := range logits[i] {
				if got != float32(want[i][c]) {
					t.Fatalf("network %d, %+v: image %d, logit %d: the graph has %v, the integers %v", k, d, i, c, got, want[i][c])
				}
				distinct[got] = true
			}
		}
	}
	if len(distinct) < 40*networks {
		t.Errorf("only %d different logits in %d networks: this shows little", len(distinct), networks)
	}
}

// bothLogits are the logits of the graph and of the integer program of n test
// images.
func bothLogits(t *testing.T, q *model.Quantized, p *bundle.Program, n int) (graph [][]float32, integers [][]float64) {
	t.Helper()
	_, images := digits(t, 1, n)
	z, err := qat.New(q)
	if err != nil {
		t.Fatal(err)
	}
	e, err := train.NewEvaluator(q.Network, q.Params, z)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if graph, err = e.AllLogits(images); err != nil {
		t.Fatal(err)
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		v, err := r.Run(p.Input.Quantize(images.Image(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		var row []float64
		for c := range v.Len() {
			row = append(row, p.Output().Real(v, c))
		}
		integers = append(integers, row)
	}
	return graph, integers
}

// Integers beyond float32: deep squares with wide grids and large biases lose
// digits, but neither their size nor their order. An error of the logits is a few
// hundred roundings of 2^-24, doubled by every square, of the largest logit.
func TestLargeIntegersKeepTheirOrder(t *testing.T) {
	images, _ := digits(t, 50, 0)
	const n, tolerance = 300, 1e-5
	for _, c := range []struct {
		weights, input, squares int
		bias                    float32
	}{{8, 8, 2, 1}, {8, 8, 3, 1}, {8, 8, 3, 100}, {16, 8, 3, 1}, {1, 8, 3, 1}, {1, 8, 4, 30}, {4, 4, 4, 1}} {
		name := fmt.Sprintf("%+v", c)
		k := &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
			{Type: model.AvgPool, Name: "pool", Kernel: model.Both(2)}, {Type: model.Flatten, Name: "flat"},
		}}
		for s := range c.squares {
			k.Layers = append(k.Layers, model.Layer{Type: model.Dense, Name: fmt.Sprint("fc", s), Units: 32}, model.Layer{Type: model.Square, Name: fmt.Sprint("square", s)})
		}
		k.Layers = append(k.Layers, model.Layer{Type: model.Dense, Name: "fc", Units: 10})
		p, err := k.Initialise(4)
		if err != nil {
			t.Fatal(err)
		}
		_, b := p.Of("fc0")
		for i := range b {
			b[i] *= c.bias
		}
		q, err := ptq.Quantize(context.Background(), k, p, calibrate.Config{
			Weights: calibrate.WeightConfig{Bits: c.weights, Kind: "mse"}, Input: calibrate.InputConfig{Bits: c.input, Observer: "minmax"}, Images: 50,
		}, images)
		if err != nil {
			t.Fatal(err)
		}
		program, err := export.Program(q, make([]string, 10))
		if err != nil {
			t.Fatal(err)
		}
		if m := program.Output().Range.Magnitude(); m < exact*exact {
			t.Fatalf("%s: only %v: this shows nothing", name, m)
		}
		graph, integers := bothLogits(t, q, program, n)
		for i := range graph {
			largest, best := 0.0, 0
			for j, v := range integers[i] {
				largest = max(largest, math.Abs(v))
				if v > integers[i][best] {
					best = j
				}
			}
			for j, v := range integers[i] {
				if math.Abs(float64(graph[i][j])-v) > tolerance*largest {
					t.Fatalf("%s: image %d, logit %d: the graph has %v, the integers %v", name, i, j, graph[i][j], v)
				}
				if integers[i][best]-v > 2*tolerance*largest && graph[i][best] <= graph[i][j] {
					t.Errorf("%s: image %d: other answers", name, i)
				}
			}
		}
	}
}
