package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// branches is a network of every kind of layer that reads or is read by several
// others, with windows that are not square. Three layers read "act".
func branches(activation model.Kind) *model.Network {
	act := func(name string) model.Layer { return model.Layer{Type: activation, Name: name} }
	return &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.AvgPool, Name: "shrink", Kernel: model.Both(4)},
		{Type: model.Conv, Name: "conv1", Channels: 4, Kernel: model.Pair{3, 2}, Padding: model.Padding{Top: 1, Left: 1, Bottom: 1}},
		act("act"),
		{Type: model.Dropout, Name: "drop", Rate: 0.2},
		{Type: model.Conv, Name: "conv2", Channels: 4, Kernel: model.Both(3), Padding: model.Padding{Same: true}, Groups: 2, Dilation: model.Pair{1, 2}},
		{Type: model.Add, Name: "sum", From: model.Names{"conv2", "act"}},
		{Type: model.MaxPool, Name: "largest", From: model.Names{"act"}, Kernel: model.Pair{2, 3}, Stride: model.Both(1), Padding: model.Padding{Left: 1, Bottom: 1, Right: 1}},
		{Type: model.Concat, Name: "both", From: model.Names{"sum", "largest"}},
		{Type: model.AvgPool, Name: "pool", Kernel: model.Pair{2, 3}, Stride: model.Pair{2, 3}, Padding: model.Padding{Bottom: 1}},
		{Type: model.Conv, Name: "conv3", Channels: 6, Kernel: model.Both(1)},
		act("act3"),
		{Type: model.Conv, Name: "conv4", From: model.Names{"pool"}, Channels: 6, Kernel: model.Both(1)},
		act("act4"),
		{Type: model.Mul, Name: "gated", From: model.Names{"act3", "act4"}},
		{Type: model.GlobalAvgPool, Name: "mean"},
		{Type: model.GlobalMaxPool, Name: "most", From: model.Names{"gated"}},
		{Type: model.Concat, Name: "ends", From: model.Names{"mean", "most"}},
		{Type: model.Dense, Name: "fc", Units: 10},
	}}
}

func branchTask(t testing.TB, activation model.Kind) train.Task {
	t.Helper()
	k := task(t, 1)
	k.Network = branches(activation)
	var err error
	if k.Params, err = k.Network.Initialise(3); err != nil {
		t.Fatal(err)
	}
	return k
}

// quantizeBranches fake-quantizes the task, with learned scales if learn says so.
func quantizeBranches(t testing.TB, k train.Task, learn bool) train.Task {
	t.Helper()
	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 3, Kind: "mse"},
		Input:   calibrate.InputConfig{Bits: 3, Observer: "minmax"}, Images: 50,
		Learn: calibrate.LearnConfig{Weights: learn, Input: learn},
	}
	if slices.ContainsFunc(k.Network.Layers, model.Layer.LookupTable) {
		c.Activations = calibrate.ActivationConfig{InputConfig: calibrate.InputConfig{Bits: 3}}
		c.Learn.Activations = learn
	}
	q, err := ptq.Quantize(context.Background(), k.Network, k.Params, c, k.Train)
	if err != nil {
		t.Fatal(err)
	}
	k.Network, k.Params = q.Network, q.Params
	if k.Quantizer, err = qat.Training(q, qat.OptionsOf(c, q.Network)); err != nil {
		t.Fatal(err)
	}
	return k
}

// Branches compute what the plain definition does.
func TestBranchesAreForward(t *testing.T) {
	k := branchTask(t, model.Tanh)
	e, err := train.NewEvaluator(k.Network, k.Params, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	got, err := e.AllLogits(k.Train.First(130))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		for c, want := range forward(t, k.Network, k.Params, k.Train.Image(i)) {
			// Sums of a few dozen float32 terms of size 1.
			if math.Abs(float64(got[i][c])-want) > 1e-5 {
				t.Errorf("image %d, logit %d is %v, want %v", i, c, got[i][c], want)
			}
		}
	}
}

// The gradients of a network with branches agree with slopes of its loss to
// either side, where the loss is computed by the plain definition. Dropout is left out by a rate of 0.
func TestBranchGradients(t *testing.T) {
	k := branchTask(t, model.Tanh)
	k.Train, k.Config.Augment = k.Train.First(6), datasets.Augment{}
	for i := range k.Network.Layers {
		k.Network.Layers[i].Rate = 0
	}
	_, grads, err := train.Gradients(k)
	if err != nil {
		t.Fatal(err)
	}
	const step = 0x1p-16
	here, _ := plainLoss(t, k)
	for _, p := range k.Params {
		for i := 0; i < len(p.Data); i += 1 + len(p.Data)/9 {
			// slope is by how much the loss grows towards one side, per unit.
			slope := func(step float32) float64 {
				keep := p.Data[i]
				p.Data[i] = keep + step
				by := float64(p.Data[i]) - float64(keep)
				there, _ := plainLoss(t, k)
				p.Data[i] = keep
				return (there - here) / by
			}
			right, left, got := slope(step), slope(-step), float64(grads[p.Name][i])
			// A slope is off by half a step times a second derivative, the gradient by
			// some roundings of float32. Where a maximum changes hands within a step,
			// one of the sides has another slope.
			const tolerance = step + 1e-6
			if math.Abs(got-right) > tolerance && math.Abs(got-left) > tolerance {
				t.Errorf("gradient of %s at %d is %v, slopes %v and %v", p.Name, i, got, left, right)
			}
		}
	}
}

// A dropout is none in evaluation, and in training other images and epochs have
// other masks: without it the history is another, with it always the same, cut and
// resumed or not.
func TestDropout(t *testing.T) {
	for _, make := range []func() train.Task{
		func() train.Task { return branchTask(t, model.Tanh) },
		func() train.Task { return quantizeBranches(t, branchTask(t, model.Square), true) },
		func() train.Task { return quantizeBranches(t, branchTask(t, model.ReLU), true) },
	} {
		want := fit(t, make())
		state := filepath.Join(t.TempDir(), "state")
		again := func() train.Task {
			k := make()
			k.State, k.Identity, k.Resume = state, "x", true
			return k
		}
		interrupt(t, again(), 13)
		if got := fit(t, again()); !reflect.DeepEqual(got.Params, want.Params) || !reflect.DeepEqual(got.History, want.History) {
			t.Errorf("a resumed run ends in another history: %+v, want %+v", got.History, want.History)
		}
		without := make()
		for i := range without.Network.Layers {
			without.Network.Layers[i].Rate = 0
		}
		if got := fit(t, without); reflect.DeepEqual(got.History, want.History) {
			t.Error("a dropout changes nothing")
		}
	}
}

// drawGraph is a random network of branches: sums with a free scale among their
// inputs, products, concatenations, pools and windows of every kind.
func drawGraph(r *rand.Rand, tables bool) drawn {
	n := &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{{Type: model.AvgPool, Name: "shrink", Kernel: model.Both(4)}}}
	var open []string // tensors of 2 channels, [2, 7, 7]
	unread := map[string]bool{}
	add := func(l model.Layer, from ...string) string {
		l.Name = fmt.Sprint(l.Type, len(n.Layers))
		if l.From = from; len(from) == 1 && from[0] == n.Layers[len(n.Layers)-1].Name && r.IntN(2) == 0 {
			l.From = nil
		}
		for _, name := range from {
			delete(unread, name)
		}
		n.Layers = append(n.Layers, l)
		unread[l.Name] = true
		return l.Name
	}
	conv := func(from string) string {
		l := model.Layer{Type: model.Conv, Channels: 2, Kernel: model.Pair{1 + r.IntN(3), 1 + r.IntN(3)}, Padding: model.Padding{Same: true}}
		l.Dilation = model.Pair{1 + r.IntN(2), 1 + r.IntN(2)}
		if from != "shrink" {
			l.Groups = 1 + r.IntN(2)
		}
		return add(l, from)
	}
	activation := func(from string) string {
		if tables {
			return add(model.Layer{Type: []model.Kind{model.ReLU, model.Tanh, model.Sigmoid}[r.IntN(3)]}, from)
		}
		return add(model.Layer{Type: model.Square}, from)
	}
	pick := func() string { return open[r.IntN(len(open))] }
	open = append(open, conv("shrink"))
	if tables || r.IntN(2) == 0 {
		open[0] = activation(open[0])
	}
	for range 1 + r.IntN(3) {
		var name string
		switch r.IntN(5) {
		case 0, 1: // a residual block
			from := pick()
			name = conv(from)
			if r.IntN(2) == 0 {
				name = add(model.Layer{Type: model.Dropout, Rate: 0.1}, name)
			}
			name = add(model.Layer{Type: model.Add}, name, from)
		case 2:
			name = conv(pick())
			if tables {
				name = add(model.Layer{Type: model.Mul}, activation(name), pick())
			}
		case 3:
			name = add(model.Layer{Type: model.MaxPool, Kernel: model.Pair{1 + r.IntN(3), 1 + r.IntN(3)}, Stride: model.Both(1), Padding: model.Padding{Same: true}}, pick())
		case 4:
			name = add(model.Layer{Type: model.Concat}, pick(), pick())
			name = add(model.Layer{Type: model.Conv, Channels: 2, Kernel: model.Both(1)}, name)
		}
		if tables {
			name = activation(name)
		}
		open = append(open, name)
	}
	var ends []string
	for _, l := range n.Layers {
		if unread[l.Name] {
			ends = append(ends, l.Name)
		}
	}
	end := ends[0]
	if len(ends) > 1 {
		end = add(model.Layer{Type: model.Concat}, ends...)
	}
	if r.IntN(2) == 0 {
		end = add(model.Layer{Type: []model.Kind{model.GlobalAvgPool, model.GlobalMaxPool}[r.IntN(2)]}, end)
	} else {
		end = add(model.Layer{Type: model.Flatten}, end)
	}
	add(model.Layer{Type: model.Dense, Units: 10}, end)

	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 2, PerChannel: !tables && r.IntN(2) == 0, Kind: []string{"mse", "minmax"}[r.IntN(2)]},
		Input:   calibrate.InputConfig{Bits: 1 + r.IntN(2), Observer: "minmax"}, Images: 20,
		Learn: calibrate.LearnConfig{Weights: r.IntN(2) == 0, Input: r.IntN(2) == 0},
	}
	if tables {
		c.Activations = calibrate.ActivationConfig{InputConfig: calibrate.InputConfig{Bits: 2 + r.IntN(2)}}
		c.Learn.Activations = c.Learn.Weights
	}
	return drawn{n, c}
}

// No quantized-integer mismatch of random graphs, before and after a little training: every element of
// every tensor that float32 holds by proof is the program's.
func TestGraphHasNoMismatch(t *testing.T) {
	images, test := digits(t, 60, 20)
	r := rand.New(rand.NewPCG(7, 8))
	exactNodes, nodes, sums := 0, 0, 0
	networks := 60
	if testing.Short() {
		networks = 10
	}
	for k := range networks {
		d := drawGraph(r, k%2 == 0)
		p := shaken(t, d.network, r)
		q, err := ptq.Quantize(context.Background(), d.network, p, d.config, images)
		if err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		z, err := qat.Training(q, qat.OptionsOf(d.config, q.Network))
		if err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		for trained := range 2 {
			if trained == 1 {
				fit(t, train.Task{Network: q.Network, Params: q.Params, Quantizer: z, Train: images, Seed: 1, Config: train.Config{
					Epochs: 1, Batch: 20, LearningRate: 0.01, Schedule: "constant", Clip: 1,
				}})
				q = z.Quantized()
			}
			program, err := export.Program(q, make([]string, 10))
			if err != nil {
				t.Fatalf("%+v: %v", d, err)
			}
			mismatches, _, err := export.Mismatches(context.Background(), q, program, test)
			if err != nil {
				t.Fatalf("%+v: %v", d, err)
			}
			for i, mismatch := range mismatches {
				nodes++
				if mismatch.Exact {
					exactNodes++
				}
				if mismatch.Exact && mismatch.Differ != 0 {
					t.Fatalf("network %d, %+v: layer %q: %d elements differ", k, d, program.Nodes[i].Name, mismatch.Differ)
				}
				if program.Nodes[i].Kind() == "Add" {
					sums++
				}
			}
		}
	}
	if exactNodes < nodes/2 || sums < networks/2 {
		t.Errorf("%d of %d tensors are exact, %d sums: this shows little", exactNodes, nodes, sums)
	}
}
