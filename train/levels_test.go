package train_test

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"testing"

	"qtool/internal/samebits"
	"qtool/model"
	"qtool/train"
)

// everyLayer is a network with every kind of layer.
func everyLayer(t *testing.T) train.Task {
	k := task(t, 1)
	k.Network = &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.Conv, Name: "conv1", Channels: 5, Kernel: model.Both(5), Stride: model.Both(2), Padding: model.AllSides(2)},
		{Type: model.BatchNorm, Name: "norm"},
		{Type: model.Tanh, Name: "tanh"},
		{Type: model.AvgPool, Name: "pool", Kernel: model.Both(3), Stride: model.Both(2)},
		{Type: model.Conv, Name: "conv2", Channels: 7, Kernel: model.Both(3), Padding: model.AllSides(1)},
		{Type: model.ReLU, Name: "relu"},
		{Type: model.AvgPool, Name: "pool2", Kernel: model.Both(2)},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 21},
		{Type: model.Sigmoid, Name: "sigmoid"},
		{Type: model.Dense, Name: "fc2", Units: 20},
		{Type: model.Polynomial, Name: "poly", Coefficients: []float64{0.5, 1, -0.25, 0.125}},
		{Type: model.Dense, Name: "fc2b", Units: 20},
		{Type: model.SiLU, Name: "silu"},
		{Type: model.Dense, Name: "fc3", Units: 10},
	}}
	var err error
	if k.Params, err = k.Network.Initialise(3); err != nil {
		t.Fatal(err)
	}
	k.Config.Epochs = 1
	return k
}

// write writes the history of a training, and all that it changed.
func write(w io.Writer, k train.Task, r *train.Result) {
	for _, p := range r.Params {
		samebits.Write(w, p.Data)
	}
	e := json.NewEncoder(w) // floats in as many digits as tell them apart
	if err := e.Encode(r.History); err != nil {
		panic(err)
	}
	if k.Quantizer != nil {
		if err := e.Encode(scalesOf(k)); err != nil {
			panic(err)
		}
	}
}

func TestSameBitsEveryLayer(t *testing.T) {
	samebits.Check(t, "2a879f8451e1d9a2c4c10fe91fd859bb9dc56d438efd2bdcb2c08aed13f293ee", func(w io.Writer) {
		k := everyLayer(t)
		write(w, k, fit(t, k))
	})
}

func TestSameBitsVariants(t *testing.T) {
	samebits.Check(t, "c0d07f787256673a362e124b2078c74775fe255babb7402df20552069aad8e10", func(w io.Writer) {
		all := variants(t, 1)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			k := all[name]()
			k.Config.Epochs = 1
			write(w, k, fit(t, k))
		}
	})
}

func TestSameBitsTables(t *testing.T) {
	samebits.Check(t, "6c55881bc485d34fcc7a44468ef763a156186da9126a4d2285db2ae1b4417c40", func(w io.Writer) {
		all := tableTasks(t)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			k := all[name]()
			write(w, k, fit(t, k))
		}
	})
}

func TestSameBitsBranches(t *testing.T) {
	samebits.Check(t, "fc2b1d4e29cfb87dc58e3b0f143a189778ac165761063d7e7218e3a6e7a135af", func(w io.Writer) {
		for _, k := range []train.Task{
			branchTask(t, model.Tanh), quantizeBranches(t, branchTask(t, model.Square), true), quantizeBranches(t, branchTask(t, model.ReLU), false),
		} {
			k.Config.Epochs = 1
			write(w, k, fit(t, k))
		}
	})
}
