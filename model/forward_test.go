package model

import (
	"math"
	"slices"
	"testing"
)

func run(t *testing.T, n *Network, p Parameters, image ...float32) [][]float64 {
	t.Helper()
	if err := p.Check(n); err != nil {
		t.Fatal(err)
	}
	outs, err := n.Forward(p, image)
	if err != nil {
		t.Fatal(err)
	}
	return outs
}

func TestForwardByHand(t *testing.T) {
	n := &Network{Input: []int{1, 3, 3}, Layers: []Layer{
		{Type: Conv, Name: "conv", Channels: 2, Kernel: Both(2)},
		{Type: AvgPool, Name: "pool", Kernel: Both(2)},
		{Type: Flatten, Name: "flat"},
		{Type: Square, Name: "square"},
		{Type: Dense, Name: "fc", Units: 1},
	}}
	p := Parameters{
		{"conv.weight", []int{2, 1, 2, 2}, []float32{1, 2, 3, 4, 0, 0, 0, -1}},
		{"conv.bias", []int{2}, []float32{10, 1}},
		{"fc.weight", []int{1, 2}, []float32{1, -2}},
		{"fc.bias", []int{1}, []float32{0.5}},
	}
	outs := run(t, n, p, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	for i, want := range [][]float64{
		{47, 57, 77, 87, -4, -5, -7, -8}, // 1+2*2+3*4+4*5+10, ...
		{67, -6},
		{67, -6},
		{4489, 36},
		{4489 - 72 + 0.5},
	} {
		if !slices.Equal(outs[i], want) {
			t.Errorf("layer %q: %v, want %v", n.Layers[i].Name, outs[i], want)
		}
	}
}

func TestForwardStrideAndPadding(t *testing.T) {
	n := &Network{Input: []int{2, 3, 3}, Layers: []Layer{
		{Type: Conv, Name: "conv", Channels: 1, Kernel: Both(3), Stride: Both(2), Padding: AllSides(1)},
		{Type: Flatten, Name: "flat"},
		{Type: Dense, Name: "fc", Units: 1},
	}}
	// The kernel picks the pixel left of the centre in channel 0 and the one
	// below it in channel 1.
	w := make([]float32, 18)
	w[3], w[9+7] = 1, 100
	p := Parameters{
		{"conv.weight", []int{1, 2, 3, 3}, w},
		{"conv.bias", []int{1}, []float32{0}},
		{"fc.weight", []int{1, 4}, []float32{1, 1, 1, 1}},
		{"fc.bias", []int{1}, []float32{0}},
	}
	outs := run(t, n, p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	want := []float64{0 + 400, 2 + 600, 0, 8} // centres (0,0) (0,2) (2,0) (2,2)
	if !slices.Equal(outs[0], want) {
		t.Errorf("%v, want %v", outs[0], want)
	}
}

func TestApply(t *testing.T) {
	for _, c := range []struct {
		l       Layer
		x, want float64
	}{
		{Layer{Type: Square}, -3, 9},
		{Layer{Type: Tanh}, 1, math.Tanh(1)},
		{Layer{Type: Sigmoid}, 0, 0.5},
		{Layer{Type: Sigmoid}, -1000, 0},
		{Layer{Type: ReLU}, -1, 0},
		{Layer{Type: ReLU}, 2, 2},
		{Layer{Type: SiLU}, 1, 1 / (1 + math.Exp(-1))},
		{Layer{Type: SiLU}, -1000, 0},
		{Layer{Type: Polynomial, Coefficients: []float64{1, 2, 3}}, 2, 17},
		{Layer{Type: Flatten}, 7, 7},
	} {
		if got := c.l.Apply(c.x); got != c.want {
			t.Errorf("%s of %v is %v, want %v", c.l.Type, c.x, got, c.want)
		}
	}
}
