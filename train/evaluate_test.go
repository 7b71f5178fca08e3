package train_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"qtool/model"
	"qtool/train"
)

// plainLoss is the mean cross-entropy and the right answers of a task's first
// parameters, by model.Forward in float64.
func plainLoss(t *testing.T, k train.Task) (loss float64, correct int) {
	t.Helper()
	for i := range k.Train.Len() {
		logits, label := forward(t, k.Network, k.Params, k.Train.Image(i)), int(k.Train.Labels[i])
		sum, best := 0.0, 0
		for c, z := range logits {
			sum += math.Exp(z)
			if z > logits[best] {
				best = c
			}
		}
		loss += (math.Log(sum) - logits[label]) / float64(k.Train.Len())
		if best == label {
			correct++
		}
	}
	return loss, correct
}

func forward(t *testing.T, n *model.Network, p model.Parameters, image []uint8) []float64 {
	t.Helper()
	x := make([]float32, len(image))
	for i, b := range image {
		x[i] = float32(b) / 255
	}
	outs, err := n.Forward(p, x)
	if err != nil {
		t.Fatal(err)
	}
	return outs[len(outs)-1]
}

// The graph computes what the plain definition does, layer kinds all together.
func TestLogitsAreForward(t *testing.T) {
	n := &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.Conv, Name: "conv1", Channels: 4, Kernel: model.Both(5), Stride: model.Both(2), Padding: model.AllSides(2)},
		{Type: model.Tanh, Name: "tanh"},
		{Type: model.AvgPool, Name: "pool", Kernel: model.Both(3), Stride: model.Both(2)},
		{Type: model.Conv, Name: "conv2", Channels: 5, Kernel: model.Both(3)},
		{Type: model.ReLU, Name: "relu"},
		{Type: model.Polynomial, Name: "poly", Coefficients: []float64{0.5, 1, -0.25, 0.125}},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 20},
		{Type: model.Sigmoid, Name: "sigmoid"},
		{Type: model.Dense, Name: "fc2", Units: 7},
		{Type: model.SiLU, Name: "silu"},
		{Type: model.Polynomial, Name: "free", Coefficients: []float64{0, 0.5, 1}, Interval: []float64{-3, 2}, Trainable: true},
		{Type: model.Dense, Name: "fc4", Units: 7},
		{Type: model.Polynomial, Name: "unfitted", Approximates: model.SiLU, Degree: 3, Method: "minimax", Percentile: 99},
		{Type: model.Dense, Name: "fc5", Units: 7},
		{Type: model.Square, Name: "square"},
		{Type: model.Dense, Name: "fc3", Units: 10},
	}}
	p, err := n.Initialise(5)
	if err != nil {
		t.Fatal(err)
	}
	e, err := train.NewEvaluator(n, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	images, _ := digits(t, 130, 0) // a whole batch and a part
	got, err := e.AllLogits(images)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		for c, want := range forward(t, n, p, images.Image(i)) {
			// Sums of up to 125 float32 terms of size 1, through six layers
			// that shrink: 125 * 2^-24 and some.
			if math.Abs(float64(got[i][c])-want) > 1e-5 {
				t.Errorf("image %d, logit %d is %v, want %v", i, c, got[i][c], want)
			}
		}
	}
}

func TestPredict(t *testing.T) {
	k := task(t, 1)
	e, err := train.NewEvaluator(k.Network, k.Params, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	images := k.Train.First(350) // more batches than cores, the last one part
	all, err := e.Predict(context.Background(), images)
	if err != nil || len(all) != 350 {
		t.Fatalf("%d predictions, %v", len(all), err)
	}
	logits, err := e.AllLogits(images)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, p := range all {
		for _, z := range logits[i] {
			if z > logits[i][p] {
				t.Errorf("image %d: predicted %d of %v", i, p, logits[i])
			}
		}
		if p == int(images.Labels[i]) {
			right++
		}
	}
	if a, err := e.Accuracy(context.Background(), images); err != nil || a != float64(right)/350 {
		t.Errorf("accuracy %v, %v, want %d of 350", a, err, right)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if p, err := e.Predict(cancelled, images); err != context.Canceled || p != nil {
		t.Errorf("cancelled: %v, %v", p, err)
	}
	wrong := *images
	wrong.Images = wrong.Images[:350*100]
	wrong.Shape = []int{1, 10, 10}
	if _, err := e.Predict(context.Background(), &wrong); err == nil || !strings.Contains(err.Error(), "samples of shape [1 10 10], the network takes [1 28 28]") {
		t.Errorf("images of another size: %v", err)
	}
	none, err := e.Predict(context.Background(), images.First(0))
	if err != nil || len(none) != 0 {
		t.Errorf("no images: %v, %v", none, err)
	}
}
