// Package model describes networks: layers, shapes, float parameters, their
// quantizers, and the checkpoint files that hold them. It knows nothing of how
// they are trained or run.
package model

// Kind is the type of a layer.
type Kind string

// The layers. Square, Tanh, Sigmoid, ReLU, SiLU, Sign and Polynomial are elementwise
// activations; Add, Mul and Concat join the tensors that they read. An embedding makes
// a sequence of vectors of the words of a sentence, a projection maps each vector of a
// sequence, and an LSTM or a GRU reads a sequence and leaves its last state.
const (
	Conv          Kind = "conv"
	Dense         Kind = "dense"
	AvgPool       Kind = "avgpool"
	MaxPool       Kind = "maxpool"
	GlobalAvgPool Kind = "globalavgpool"
	GlobalMaxPool Kind = "globalmaxpool"
	Flatten       Kind = "flatten"
	Add           Kind = "add"
	Mul           Kind = "mul"
	Concat        Kind = "concat"
	Dropout       Kind = "dropout"
	Square        Kind = "square"
	Tanh          Kind = "tanh"
	Sigmoid       Kind = "sigmoid"
	ReLU          Kind = "relu"
	SiLU          Kind = "silu"
	Sign          Kind = "sign"
	BatchNorm     Kind = "batchnorm"
	Polynomial    Kind = "polynomial"
	Embedding     Kind = "embedding"
	Projection    Kind = "projection"
	LSTM          Kind = "lstm"
	GRU           Kind = "gru"
)

// Layer is one layer of a Network. Which fields a kind uses:
//
//	conv           channels, kernel, stride (1), padding (0), dilation (1), groups (1)
//	dense          units
//	avgpool        kernel, stride (kernel), padding (0), which counts as zeros
//	maxpool        kernel, stride (kernel), padding (0), which takes no part
//	globalavgpool  none: one value a channel, [channels]
//	globalmaxpool  none: likewise
//	add, mul       none: the sum or the product of what it reads, element by element
//	concat         none: the channels, or features, of what it reads one after the other
//	dropout        rate
//	polynomial     coefficients: a_0, a_1, ... of a_0 + a_1 x + ..., interval,
//	               trainable; or the coefficients of an approximated function, see below
//	embedding      units, combine (sum), rate, word_dropout
//	projection     units
//	lstm           units, mask, gates
//	gru            units, mask
//	flatten, batchnorm, square, tanh, sigmoid, relu, silu, sign: none
//
// The value in parentheses is what 0 stands for. Every kind has from.
//
// A polynomial that approximates a function has approximates, degree, method,
// and an interval or the percentile of its inputs that the interval is to be.
// While it has no coefficients it is that function itself.
type Layer struct {
	Type Kind   `yaml:"type" json:"type"`
	Name string `yaml:"name" json:"name"`
	// From names the layers whose tensors this one reads, or InputName; without it
	// that is the layer before.
	From     Names `yaml:"from,omitempty" json:"from,omitempty"`
	Channels int   `yaml:"channels,omitempty" json:"channels,omitempty"`
	Units    int   `yaml:"units,omitempty" json:"units,omitempty"`
	// Kernel, Stride, Padding and Dilation are the fields of a Window.
	Kernel   Pair    `yaml:"kernel,omitempty" json:"kernel,omitzero"`
	Stride   Pair    `yaml:"stride,omitempty" json:"stride,omitzero"`
	Padding  Padding `yaml:"padding,omitempty" json:"padding,omitzero"`
	Dilation Pair    `yaml:"dilation,omitempty" json:"dilation,omitzero"`
	// Groups splits a convolution: output channels of group g of G see the g-th of G
	// equal parts of the input channels alone.
	Groups int `yaml:"groups,omitempty" json:"groups,omitempty"`
	// Rate is the share of elements that a dropout sets to 0 in training; the others
	// are divided by 1 - Rate. Otherwise it changes nothing.
	Rate         float64   `yaml:"rate,omitempty" json:"rate,omitempty"`
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
	// Combine is what an embedding makes of the vectors of a step's words: their sum, or
	// with Mean their average.
	Combine string `yaml:"combine,omitempty" json:"combine,omitempty"`
	// WordDropout is the chance in training that an embedding leaves a word out, beside
	// Rate, the chance that a number of a step's vector is 0.
	WordDropout float64 `yaml:"word_dropout,omitempty" json:"word_dropout,omitempty"`
	// Words is how many vectors an embedding has. The vocabulary says it; 0 is one that
	// is not known yet.
	Words int `yaml:"-" json:"words,omitempty"`
	// Mask keeps a recurrent layer's state at 0 while a short sentence has not begun. It
	// needs the sentence's length, which an encrypted input does not tell.
	Mask bool `yaml:"mask,omitempty" json:"mask,omitempty"`
	// Gates makes every activation of an LSTM a trainable polynomial; nil: sigmoids and
	// hyperbolic tangents.
	Gates *Gates `yaml:"gates,omitempty" json:"gates,omitempty"`
}

// Mean is the other way to combine the words of a step; see Layer.Combine.
const Mean = "mean"

// Network is a graph of layers on an input of shape [channels, height, width] or
// [features], or of a sentence, whose shape is [steps]: each step is a number of words,
// which an embedding turns into a vector. Each layer reads layers before it, or the
// input. The last layer makes the logits: one a class or, for two classes, a single one
// that is above 0 for the second.
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
func (l Layer) Steps() Pair {
	switch {
	case !l.Stride.IsZero():
		return l.Stride
	case l.Type == AvgPool || l.Type == MaxPool:
		return l.Kernel
	}
	return Both(1)
}

// Averages reports whether the layer is an average over a window, whose integer
// form is the window's sum.
func (l Layer) Averages() bool { return l.Type == AvgPool || l.Type == GlobalAvgPool }

// Maximum reports whether the layer takes the largest value of a window.
func (l Layer) Maximum() bool { return l.Type == MaxPool || l.Type == GlobalMaxPool }

// global reports whether the kind's window is the whole picture.
func (k Kind) global() bool { return k == GlobalAvgPool || k == GlobalMaxPool }

// joins is how many tensors a kind reads: at least low, at most high.
func (k Kind) joins() (low, high int) {
	switch k {
	case Add, Concat:
		return 2, MaxLayers
	case Mul:
		return 2, 2
	}
	return 1, 1
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

// LookupTable reports whether the layer is an activation that only a lookup table
// can express exactly. A polynomial is none, whatever it approximates.
func (l Layer) LookupTable() bool {
	return l.Activation() && l.Type != Square && l.Type != Polynomial
}
