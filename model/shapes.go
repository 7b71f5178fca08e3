package model

import (
	"fmt"
	"slices"
	"strings"
)

// WeightShape is [outputs, inputs] of a dense layer and [outputs, channels /
// groups, kernel height, kernel width] of a convolution, for an input of shape in.
func (l Layer) WeightShape(in []int) []int {
	if l.Type == Conv {
		return []int{l.Channels, in[0] / max(l.Groups, 1), l.Kernel[0], l.Kernel[1]}
	}
	return []int{l.Units, in[0]}
}

// Shapes infers the output shape of every layer. The error names the layer, the
// value and the limit.
func (n *Network) Shapes() ([][]int, error) {
	if d := len(n.Input); d < 1 || d > 3 {
		return nil, fmt.Errorf("model: input shape %v: want [features], [channels, height, width], or [steps] of a sentence", n.Input)
	}
	if err := checkShape(n.Input); err != nil {
		return nil, fmt.Errorf("model: input: %w", err)
	}
	if len(n.Layers) == 0 || len(n.Layers) > MaxLayers {
		return nil, fmt.Errorf("model: %d layers, want 1..%d", len(n.Layers), MaxLayers)
	}
	seen := make(map[string]bool, len(n.Layers))
	for i, l := range n.Layers {
		if l.Name == "" || l.Name == InputName {
			return nil, fmt.Errorf("model: layer %d (%s): name %q is empty or reserved", i+1, l.Type, l.Name)
		}
		if seen[l.Name] {
			return nil, fmt.Errorf("model: layer %q: name is used twice", l.Name)
		}
		seen[l.Name] = true
	}
	sources, err := n.Sources()
	if err != nil {
		return nil, err
	}
	shapes := make([][]int, len(n.Layers))
	for i, l := range n.Layers {
		ins := make([][]int, len(sources[i]))
		for k, from := range sources[i] {
			ins[k] = shapeOf(n, shapes, from)
		}
		if shapes[i], err = l.outShape(ins); err != nil {
			return nil, fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
		}
	}
	if err := n.checkReaders(sources); err != nil {
		return nil, err
	}
	if err := n.checkEntry(sources); err != nil {
		return nil, err
	}
	if last := n.Layers[len(n.Layers)-1]; last.Type != Dense {
		return nil, fmt.Errorf("model: layer %q (%s): the last layer must be dense, it makes the logits", last.Name, last.Type)
	}
	return shapes, nil
}

// shapeOf is the shape of the tensor with the given index; see Sources.
func shapeOf(n *Network, shapes [][]int, index int) []int {
	if index == Input {
		return n.Input
	}
	return shapes[index]
}

// outShape is the checked shape of the layer's output on inputs of shapes ins.
func (l Layer) outShape(ins [][]int) ([]int, error) {
	if err := l.checkKeys(); err != nil {
		return nil, err
	}
	switch low, high := l.Type.joins(); {
	case len(ins) > high:
		return nil, fmt.Errorf("from names %d layers, this type reads %d", len(ins), high)
	case len(ins) < low:
		return nil, fmt.Errorf("it reads %d layer, want %d at least: name them in from", len(ins), low)
	}
	in := ins[0]
	if len(in) == 2 && !l.readsSequence(in) {
		return nil, fmt.Errorf("it reads a sequence, of shape [steps, size] %v: put an lstm or a gru before it, or a flatten where there is one step", in)
	}
	out := in
	switch l.Type {
	case Embedding, Projection, LSTM, GRU:
		var err error
		if out, err = l.sequenceShape(in); err != nil {
			return nil, err
		}
	case Conv, AvgPool, MaxPool, GlobalAvgPool, GlobalMaxPool:
		_, size, err := l.window(in)
		if err != nil {
			return nil, err
		}
		out = []int{in[0], size[0], size[1]}
		switch {
		case l.Type == Conv:
			if g := max(l.Groups, 1); l.Groups < 0 || in[0]%g != 0 || l.Channels%g != 0 {
				return nil, fmt.Errorf("groups %d: they must divide the %d channels of the input and the %d of the output", l.Groups, in[0], l.Channels)
			}
			out[0] = l.Channels
		case l.Type.global():
			out = in[:1]
		}
	case Dense:
		if len(in) != 1 {
			return nil, fmt.Errorf("input shape %v, want [features]; put a flatten layer before it", in)
		}
		out = []int{l.Units}
	case Flatten:
		out = []int{size(in)}
	case Add, Mul:
		for k, s := range ins {
			if !slices.Equal(s, in) {
				return nil, fmt.Errorf("it reads shapes %v and %v: want equal ones%s", in, s, l.named(0, k))
			}
		}
	case Concat:
		out = slices.Clone(in)
		for k, s := range ins[1:] {
			if len(s) != len(in) || !slices.Equal(s[1:], in[1:]) {
				return nil, fmt.Errorf("it reads shapes %v and %v: want equal ones but for the first dimension%s", in, s, l.named(0, k+1))
			}
			out[0] += s[0]
		}
	case Dropout:
		if !(l.Rate >= 0 && l.Rate < 1) {
			return nil, fmt.Errorf("rate %v is outside 0..1 (1 itself excluded)", l.Rate)
		}
	case Polynomial:
		if err := l.checkPolynomial(); err != nil {
			return nil, err
		}
	}
	if err := checkShape(out); err != nil {
		return nil, err
	}
	for _, t := range l.tensors(in, out) {
		if err := checkShape(t.Shape); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimPrefix(t.Name, l.Name+"."), err)
		}
	}
	return out, nil
}

// named says which layers' shapes an error is about.
func (l Layer) named(a, b int) string {
	return fmt.Sprintf(" (of %q and %q)", l.From[a], l.From[b])
}

// windowKeys are the keys of a layer that goes over a picture.
var windowKeys = []string{"kernel", "stride", "padding"}

// keys are the keys that each kind of layer uses, beside type, name and from.
var keys = map[Kind][]string{
	Conv: append(slices.Clone(windowKeys), "channels", "dilation", "groups"), Dense: {"units"},
	AvgPool: windowKeys, MaxPool: windowKeys, GlobalAvgPool: {}, GlobalMaxPool: {},
	Polynomial: {"coefficients", "approximates", "degree", "method", "interval", "percentile", "trainable"},
	Flatten:    {}, Square: {}, Tanh: {}, Sigmoid: {}, ReLU: {}, SiLU: {}, Sign: {}, BatchNorm: {},
	Add: {}, Mul: {}, Concat: {}, Dropout: {"rate"},
	Embedding: {"units", "combine", "rate", "word_dropout"}, Projection: {"units"}, LSTM: {"units", "mask", "gates"}, GRU: {"units", "mask"},
}

// checkKeys refuses a key that the layer's kind does not use, so that no
// setting is silently ignored.
func (l Layer) checkKeys() error {
	allowed, known := keys[l.Type]
	if !known {
		return fmt.Errorf("type %q is unknown: want conv, dense, avgpool, maxpool, globalavgpool, globalmaxpool, add, mul, concat, dropout, batchnorm, flatten, square, tanh, sigmoid, relu, silu, sign, polynomial, embedding, projection, lstm or gru", l.Type)
	}
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"channels", l.Channels != 0}, {"units", l.Units != 0}, {"kernel", !l.Kernel.IsZero()},
		{"stride", !l.Stride.IsZero()}, {"padding", !l.Padding.IsZero()}, {"dilation", !l.Dilation.IsZero()},
		{"groups", l.Groups != 0}, {"rate", l.Rate != 0}, {"coefficients", l.Coefficients != nil},
		{"approximates", l.Approximates != ""}, {"degree", l.Degree != 0}, {"method", l.Method != ""},
		{"interval", l.Interval != nil}, {"percentile", l.Percentile != 0}, {"trainable", l.Trainable},
		{"combine", l.Combine != ""}, {"word_dropout", l.WordDropout != 0}, {"mask", l.Mask}, {"gates", l.Gates != nil},
	} {
		if k.set && !slices.Contains(allowed, k.name) {
			return fmt.Errorf("key %q does not belong to this type, which uses %v", k.name, allowed)
		}
	}
	return nil
}

func checkShape(s []int) error {
	n := 1
	for _, d := range s {
		if d < 1 || d > MaxDimension {
			return fmt.Errorf("dimension %d of shape %v is outside 1..%d", d, s, MaxDimension)
		}
		if n *= d; n > MaxElements {
			return fmt.Errorf("shape %v has more than %d elements", s, MaxElements)
		}
	}
	return nil
}

// size is the product of a shape.
func size(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}
