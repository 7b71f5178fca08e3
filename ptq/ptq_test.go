package ptq

import (
	"context"
	"strings"
	"testing"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
)

func network() *model.Network {
	return &model.Network{Input: []int{1, 2, 2}, Layers: []model.Layer{
		{Type: model.Conv, Name: "conv", Channels: 3, Kernel: model.Both(2)},
		{Type: model.Square, Name: "square"},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc", Units: 2},
	}}
}

func images() *datasets.Split {
	return &datasets.Split{Images: []uint8{0, 51, 102, 255, 1, 2, 3, 4}, Labels: []uint8{0, 1}, Shape: []int{1, 2, 2}}
}

func config() calibrate.Config {
	return calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 4, PerChannel: true},
		Input:   calibrate.InputConfig{Bits: 4, Observer: "minmax"}, Images: 1000,
	}
}

func TestQuantize(t *testing.T) {
	n := network()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Quantize(context.Background(), n, p, config(), images())
	if err != nil {
		t.Fatal(err)
	}
	if q.Input.Scale != float32(1.0/15) || q.Input.ZeroPoint != 0 || q.Input.Bits != 4 {
		t.Errorf("input quantizer %+v", q.Input)
	}
	if len(q.Weights) != 2 || len(q.Weights[0].Scales) != 3 || len(q.Weights[1].Scales) != 2 {
		t.Fatalf("weight quantizers %+v", q.Weights)
	}
	// The first layer folds nothing: its grid reaches each output's largest weight.
	w, _ := p.Of("conv")
	for o, scale := range q.Weights[0].Scales {
		largest := float32(0)
		for _, v := range w[4*o : 4*o+4] {
			largest = max(largest, v, -v)
		}
		if scale != largest/7 {
			t.Errorf("scale %v of output %d, want %v", scale, o, largest/7)
		}
	}
	if _, err := q.Scaling(); err != nil {
		t.Error(err)
	}
}

// Only the first Images images are looked at.
func TestQuantizeLimit(t *testing.T) {
	n := network()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	s := images()
	s.Images[3], s.Images[7] = 102, 255
	c := config()
	c.Images = 1
	q, err := Quantize(context.Background(), n, p, c, s)
	if err != nil {
		t.Fatal(err)
	}
	if want := float32(float64(float32(102)/255) / 15); q.Input.Scale != want {
		t.Errorf("input scale %v, want %v of the first image alone", q.Input.Scale, want)
	}
}

func TestQuantizeErrors(t *testing.T) {
	n := network()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	bad := config()
	bad.Weights.Bits = 0
	tanh := network()
	tanh.Layers[1].Type = model.Tanh
	for _, c := range []struct {
		n      *model.Network
		p      model.Parameters
		config calibrate.Config
		images *datasets.Split
		want   string
	}{
		{n, p, bad, images(), "ptq: weights.bits: 0 bits"},
		{n, p[1:], config(), images(), "3 parameter tensors"},
		{n, p, config(), images().First(0), "calibration set is empty"},
		{tanh, p, config(), images(), `layer "square" (tanh): needs a lookup table`},
	} {
		q, err := Quantize(context.Background(), c.n, c.p, c.config, c.images)
		if err == nil || !strings.Contains(err.Error(), c.want) || q != nil {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
