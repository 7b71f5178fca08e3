package train_test

import (
	"context"
	"sync"
	"testing"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

var loadDigits = sync.OnceValues(func() (*datasets.Dataset, error) {
	return datasets.Load(context.Background(), "digits", datasets.Options{})
})

// digits are n training and validation images of the generated dataset.
func digits(t testing.TB, n, validation int) (images, val *datasets.Split) {
	t.Helper()
	d, err := loadDigits()
	if err != nil {
		t.Fatal(err)
	}
	return d.Train.First(n), d.Test.First(validation)
}

// network is a small convolutional network with every kind of layer that
// quantizes.
func network() *model.Network {
	return &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.AvgPool, Name: "pool0", Kernel: model.Both(2)},
		{Type: model.Conv, Name: "conv", Channels: 3, Kernel: model.Both(4), Stride: model.Both(2), Padding: model.AllSides(1)},
		{Type: model.Square, Name: "square"},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc", Units: 10},
	}}
}

// task trains the small network for three epochs of 600/64: the last batch has
// 24 images.
func task(t testing.TB, seed uint64) train.Task {
	t.Helper()
	n := network()
	p, err := n.Initialise(seed)
	if err != nil {
		t.Fatal(err)
	}
	images, val := digits(t, 600, 150)
	return train.Task{
		Network: n, Params: p, Train: images, Validation: val, Seed: seed,
		Config: train.Config{
			Epochs: 3, Batch: 64, LearningRate: 0.02, Schedule: "cosine", Warmup: 0.5, Clip: 1,
			Augment: datasets.Augment{Rotation: 5, Shift: 1},
		},
	}
}

// quantizeTask adds fake quantization whose scales follow the weights.
func quantizeTask(t testing.TB, k train.Task, perChannel bool) train.Task {
	t.Helper()
	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 4, PerChannel: perChannel},
		Input:   calibrate.InputConfig{Bits: 4, Observer: "minmax"}, Images: 100,
	}
	q, err := ptq.Quantize(context.Background(), k.Network, k.Params, c, k.Train)
	if err != nil {
		t.Fatal(err)
	}
	z, err := qat.Training(q, qat.OptionsOf(c, q.Network))
	if err != nil {
		t.Fatal(err)
	}
	k.Quantizer = z
	return k
}

func fit(t testing.TB, k train.Task) *train.Result {
	t.Helper()
	r, err := train.Fit(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
