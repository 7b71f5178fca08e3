// Package model describes networks: layers, shapes, float parameters, their
// quantizers, and the checkpoint files that hold them. It knows nothing of how
// they are trained or run.
package model

import (
	"fmt"
	"slices"
)

// Kind is the type of a layer.
type Kind string

// The layers. Square, Tanh, Sigmoid, ReLU, SiLU, Sign and Polynomial are elementwise
// activations.
const (
	Conv       Kind = "conv"
	Dense      Kind = "dense"
	AvgPool    Kind = "avgpool"
	Flatten    Kind = "flatten"
	Square     Kind = "square"
	Tanh       Kind = "tanh"
	Sigmoid    Kind = "sigmoid"
	ReLU       Kind = "relu"
	SiLU       Kind = "silu"
	Sign       Kind = "sign"
	BatchNorm  Kind = "batchnorm"
	Polynomial Kind = "polynomial"
)

// Layer is one layer of a Network. Which fields a kind uses:
//
//	conv        channels, kernel, stride (1), padding (0)
//	dense       units
//	avgpool     kernel, stride (kernel)
//	polynomial  coefficients: a_0, a_1, ... of a_0 + a_1 x + ..., interval,
//	            trainable; or those of an approximated function, see below
//	flatten, batchnorm, square, tanh, sigmoid, relu, silu, sign: none
//
// The value in parentheses is what 0 stands for.
//
// A polynomial that approximates a function has approximates, degree, method,
// and an interval or the percentile of its inputs that the interval is to be.
// While it has no coefficients it is that function itself.
type Layer struct {
	Type         Kind      `yaml:"type" json:"type"`
	Name         string    `yaml:"name" json:"name"`
	Channels     int       `yaml:"channels,omitempty" json:"channels,omitempty"`
	Units        int       `yaml:"units,omitempty" json:"units,omitempty"`
	Kernel       int       `yaml:"kernel,omitempty" json:"kernel,omitempty"`
	Stride       int       `yaml:"stride,omitempty" json:"stride,omitempty"`
	Padding      int       `yaml:"padding,omitempty" json:"padding,omitempty"`
	Coefficients []float64 `yaml:"coefficients,omitempty" json:"coefficients,omitempty"`
	// Approximates is the function that a polynomial replaces, Degree and Method
	// how it was fitted.
	Approximates Kind   `yaml:"approximates,omitempty" json:"approximates,omitempty"`
	Degree       int    `yaml:"degree,omitempty" json:"degree,omitempty"`
	Method       string `yaml:"method,omitempty" json:"method,omitempty"`
	// Interval is [lo, hi], where a polynomial is meant to be used.
	Interval []float64 `yaml:"interval,omitempty" json:"interval,omitempty"`
	// Percentile measures Interval: between the (100-Percentile)-th and the
	// Percentile-th percentile of the layer's inputs; 100 is all of them.
	Percentile float64 `yaml:"percentile,omitempty" json:"percentile,omitempty"`
	// Trainable makes a polynomial's coefficients parameters.
	Trainable bool `yaml:"trainable,omitempty" json:"trainable,omitempty"`
}

// Network is a chain of layers on an input of shape [channels, height, width]
// or [features]. Its last layer makes the logits.
type Network struct {
	Input  []int   `yaml:"input" json:"input"`
	Layers []Layer `yaml:"layers" json:"layers"`
}

// Limits of a network, so that a mistyped recipe fails before it allocates.
const (
	MaxLayers    = 256
	MaxElements  = 1 << 24
	MaxDimension = 1 << 16
)

// Steps is the layer's stride with its default filled in.
func (l Layer) Steps() int {
	switch {
	case l.Stride != 0:
		return l.Stride
	case l.Type == AvgPool:
		return l.Kernel
	}
	return 1
}

// Weighted reports whether the layer has a weight and a bias.
func (l Layer) Weighted() bool { return l.Type == Conv || l.Type == Dense }

// Activation reports whether the layer is elementwise.
func (l Layer) Activation() bool {
	switch l.Type {
	case Square, Tanh, Sigmoid, ReLU, SiLU, Sign, Polynomial:
		return true
	}
	return false
}

// Tabled reports whether the layer is an activation that only a lookup table
// can express exactly. A polynomial is none, whatever it approximates.
func (l Layer) Tabled() bool {
	return l.Activation() && l.Type != Square && l.Type != Polynomial
}

// WeightShape is [outputs, inputs] of a dense layer and [outputs, channels,
// kernel, kernel] of a convolution, for an input of shape in.
func (l Layer) WeightShape(in []int) []int {
	if l.Type == Conv {
		return []int{l.Channels, in[0], l.Kernel, l.Kernel}
	}
	return []int{l.Units, in[0]}
}

// Shapes infers the output shape of every layer. The error names the layer, the
// value and the limit.
func (n *Network) Shapes() ([][]int, error) {
	if d := len(n.Input); d != 1 && d != 3 {
		return nil, fmt.Errorf("model: input shape %v: want [features] or [channels, height, width]", n.Input)
	}
	if err := checkShape(n.Input); err != nil {
		return nil, fmt.Errorf("model: input: %w", err)
	}
	if len(n.Layers) == 0 || len(n.Layers) > MaxLayers {
		return nil, fmt.Errorf("model: %d layers, want 1..%d", len(n.Layers), MaxLayers)
	}
	shapes := make([][]int, len(n.Layers))
	seen := map[string]bool{}
	in := n.Input
	for i, l := range n.Layers {
		if l.Name == "" || l.Name == "input" {
			return nil, fmt.Errorf("model: layer %d (%s): name %q is empty or reserved", i+1, l.Type, l.Name)
		}
		if seen[l.Name] {
			return nil, fmt.Errorf("model: layer %q: name is used twice", l.Name)
		}
		seen[l.Name] = true
		out, err := l.outShape(in)
		if err == nil && l.Type == BatchNorm && (i == 0 || !n.Layers[i-1].Weighted()) {
			err = fmt.Errorf("it must follow a conv or dense layer, whose outputs it normalises")
		}
		if err == nil {
			err = checkShape(out)
		}
		if err == nil && l.Weighted() {
			if err = checkShape(l.WeightShape(in)); err != nil {
				err = fmt.Errorf("weight: %w", err)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
		}
		shapes[i], in = out, out
	}
	if last := n.Layers[len(n.Layers)-1]; last.Type != Dense {
		return nil, fmt.Errorf("model: layer %q (%s): the last layer must be dense, it makes the logits", last.Name, last.Type)
	}
	return shapes, nil
}

func (l Layer) outShape(in []int) ([]int, error) {
	if err := l.checkKeys(); err != nil {
		return nil, err
	}
	switch l.Type {
	case Conv, AvgPool:
		if len(in) != 3 {
			return nil, fmt.Errorf("input shape %v, want [channels, height, width]", in)
		}
		channels := in[0]
		if l.Type == Conv {
			channels = l.Channels
		}
		if l.Padding < 0 || l.Padding > 0 && l.Padding >= l.Kernel {
			return nil, fmt.Errorf("padding %d is outside 0..%d for kernel %d", l.Padding, l.Kernel-1, l.Kernel)
		}
		if s := l.Steps(); s < 1 || s > MaxDimension {
			return nil, fmt.Errorf("stride %d is outside 1..%d", s, MaxDimension)
		}
		out := []int{channels, 0, 0}
		for d := 1; d <= 2; d++ {
			size := in[d] + 2*l.Padding
			if l.Kernel < 1 || l.Kernel > size {
				return nil, fmt.Errorf("kernel %d is outside 1..%d, the padded size of input %v", l.Kernel, size, in)
			}
			out[d] = (size-l.Kernel)/l.Steps() + 1
		}
		return out, nil
	case Dense:
		if len(in) != 1 {
			return nil, fmt.Errorf("input shape %v, want [features]; put a flatten layer before it", in)
		}
		return []int{l.Units}, nil
	case Flatten:
		return []int{size(in)}, nil
	case Polynomial:
		return in, l.checkPolynomial()
	}
	return in, nil
}

// checkKeys refuses a key that the layer's kind does not use, so that no
// setting is silently ignored.
func (l Layer) checkKeys() error {
	uses := map[Kind][]string{
		Conv: {"channels", "kernel", "stride", "padding"}, Dense: {"units"}, AvgPool: {"kernel", "stride"},
		Polynomial: {"coefficients", "approximates", "degree", "method", "interval", "percentile", "trainable"},
		Flatten:    {}, Square: {}, Tanh: {}, Sigmoid: {}, ReLU: {}, SiLU: {}, Sign: {}, BatchNorm: {},
	}
	allowed, known := uses[l.Type]
	if !known {
		return fmt.Errorf("type %q is unknown: want conv, dense, avgpool, batchnorm, flatten, square, tanh, sigmoid, relu, silu, sign or polynomial", l.Type)
	}
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"channels", l.Channels != 0}, {"units", l.Units != 0}, {"kernel", l.Kernel != 0},
		{"stride", l.Stride != 0}, {"padding", l.Padding != 0}, {"coefficients", l.Coefficients != nil},
		{"approximates", l.Approximates != ""}, {"degree", l.Degree != 0}, {"method", l.Method != ""},
		{"interval", l.Interval != nil}, {"percentile", l.Percentile != 0}, {"trainable", l.Trainable},
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
