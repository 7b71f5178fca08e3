package model

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestShapes(t *testing.T) {
	n := &Network{Input: []int{1, 28, 28}, Layers: []Layer{
		{Type: Conv, Name: "conv1", Channels: 4, Kernel: Both(5)},
		{Type: Square, Name: "square1"},
		{Type: AvgPool, Name: "pool1", Kernel: Both(2)},
		{Type: Conv, Name: "conv2", Channels: 12, Kernel: Both(5), Stride: Both(2), Padding: AllSides(1)},
		{Type: AvgPool, Name: "pool2", Kernel: Both(3), Stride: Both(1)},
		{Type: Flatten, Name: "flatten"},
		{Type: Polynomial, Name: "poly", Coefficients: []float64{1, 0.5}},
		{Type: Dense, Name: "fc", Units: 10},
	}}
	got, err := n.Shapes()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]int{{4, 24, 24}, {4, 24, 24}, {4, 12, 12}, {12, 5, 5}, {12, 3, 3}, {108}, {108}, {10}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("shapes %v, want %v", got, want)
	}
}

func TestShapeErrors(t *testing.T) {
	image, flat := []int{1, 8, 8}, []int{16}
	fc := Layer{Type: Dense, Name: "fc", Units: 2}
	conv := func(l Layer) Layer {
		l.Type, l.Name = Conv, "conv1"
		return l
	}
	for _, c := range []struct {
		input  []int
		layers []Layer
		want   string
	}{
		{nil, []Layer{fc}, "input shape []"},
		{[]int{2, 2}, []Layer{fc}, "of shape [steps, size] [2 2]: put an lstm or a gru before it"},
		{[]int{2, 2, 2, 2}, []Layer{fc}, "input shape [2 2 2 2]"},
		{[]int{0}, []Layer{fc}, "input: dimension 0"},
		{[]int{1 << 17}, []Layer{fc}, "dimension 131072 of shape [131072] is outside 1..65536"},
		{[]int{1 << 10, 1 << 10, 1 << 10}, []Layer{fc}, "more than 16777216 elements"},
		{flat, nil, "0 layers, want 1..256"},
		{flat, slices.Repeat([]Layer{fc}, 257), "257 layers, want 1..256"},
		{flat, []Layer{{Type: Dense, Units: 2}}, `layer 1 (dense): name "" is empty or reserved`},
		{flat, []Layer{{Type: Dense, Name: "input", Units: 2}}, `name "input" is empty or reserved`},
		{flat, []Layer{fc, fc}, `layer "fc": name is used twice`},
		{flat, []Layer{{Type: "rnn", Name: "a"}}, `layer "a" (rnn): type "rnn" is unknown: want conv, dense`},
		{flat, []Layer{fc, {Type: Square, Name: "sq"}}, `layer "sq" (square): the last layer must be dense`},
		{image, []Layer{fc}, `layer "fc" (dense): input shape [1 8 8], want [features]; put a flatten layer before it`},
		{flat, []Layer{conv(Layer{Channels: 1, Kernel: Both(1)})}, `layer "conv1" (conv): input shape [16], want [channels, height, width]`},
		{flat, []Layer{{Type: AvgPool, Name: "p", Kernel: Both(2)}}, `layer "p" (avgpool): input shape [16]`},
		{image, []Layer{conv(Layer{Channels: 1})}, `layer "conv1" (conv): kernel 0 is outside 1..8`},
		{image, []Layer{conv(Layer{Channels: 1, Kernel: Both(9)})}, `kernel 9 is outside 1..8, the padded size of input [1 8 8]`},
		{image, []Layer{conv(Layer{Channels: 1, Kernel: Both(-1)})}, `kernel -1`},
		{image, []Layer{conv(Layer{Kernel: Both(3)})}, `layer "conv1" (conv): dimension 0 of shape [0 6 6]`},
		{image, []Layer{conv(Layer{Channels: -2, Kernel: Both(3)})}, `dimension -2`},
		{image, []Layer{conv(Layer{Channels: 1, Kernel: Both(3), Stride: Both(-1)})}, `stride -1 is outside 1..65536`},
		{image, []Layer{conv(Layer{Channels: 1, Kernel: Both(3), Padding: AllSides(3)})}, `padding 3 is outside 0..2 for kernel 3`},
		{image, []Layer{conv(Layer{Channels: 1, Kernel: Both(3), Padding: AllSides(-1)})}, `padding -1`},
		{image, []Layer{conv(Layer{Channels: 1, Kernel: Both(1 << 20), Padding: AllSides(1<<20 - 1), Stride: Both(1 << 16)})}, `layer "conv1" (conv): weight: dimension 1048576`},
		{image, []Layer{conv(Layer{Channels: 1, Kernel: Both(math.MaxInt), Padding: AllSides(math.MaxInt - 1)})}, `layer "conv1" (conv): kernel`},
		{flat, []Layer{{Type: Dense, Name: "fc"}}, `layer "fc" (dense): dimension 0`},
		{flat, []Layer{{Type: Dense, Name: "a", Units: 1 << 16}, {Type: Dense, Name: "b", Units: 1 << 16}}, `layer "b" (dense): weight: shape [65536 65536] has more than`},
		{flat, []Layer{{Type: Dense, Name: "fc", Units: 2, Kernel: Both(3)}}, `key "kernel" does not belong to this type, which uses [units]`},
		{image, []Layer{{Type: AvgPool, Name: "p", Kernel: Both(2), Dilation: Both(2)}}, `layer "p" (avgpool): key "dilation" does not belong`},
		{flat, []Layer{{Type: Square, Name: "s", Channels: 1}}, `layer "s" (square): key "channels"`},
		{flat, []Layer{{Type: Flatten, Name: "f", Stride: Both(1)}}, `key "stride"`},
		{flat, []Layer{{Type: Tanh, Name: "t", Units: 1}}, `key "units"`},
		{flat, []Layer{{Type: ReLU, Name: "r", Coefficients: []float64{1}}}, `key "coefficients"`},
		{flat, []Layer{{Type: Polynomial, Name: "p"}}, `layer "p" (polynomial): coefficients []: want 2..16`},
		{flat, []Layer{{Type: Polynomial, Name: "p", Coefficients: []float64{1, 0}}}, `the last not 0`},
		{flat, []Layer{{Type: Polynomial, Name: "p", Coefficients: make([]float64, 17)}}, `want 2..16`},
		{flat, []Layer{{Type: Polynomial, Name: "p", Coefficients: []float64{math.NaN(), 1}}}, `coefficient NaN is not finite`},
		{flat, []Layer{{Type: Polynomial, Name: "p", Coefficients: []float64{0, math.Inf(1)}}}, `coefficient +Inf is not finite`},
	} {
		shapes, err := (&Network{c.input, c.layers}).Shapes()
		if err == nil || !strings.HasPrefix(err.Error(), "model: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if shapes != nil {
			t.Errorf("shapes %v beside error %v", shapes, err)
		}
	}
}
