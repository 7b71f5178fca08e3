package train

import (
	G "gorgonia.org/gorgonia"

	"qtool/model"
)

// Quantizer inserts fake quantization into a training graph. What its methods
// insert while a graph is built reads scales that Refresh may move between runs.
type Quantizer interface {
	// Refresh adapts the scales to the parameters, before a step's graphs run.
	Refresh(p model.Parameters) error
	// Calibrate chooses every scale anew, for parameters that were trained in float
	// until then.
	Calibrate(p model.Parameters) error
	// Freeze keeps the scales as they are from now on, but for what a bound on
	// the accumulators asks for.
	Freeze()
	// Scales are the learned scales, which the optimiser changes in place.
	Scales() []model.Tensor
	// Observed are the scales and zero points that Refresh and Calibrate change in
	// place. They are not learned, but a run cannot go on without them.
	Observed() []model.Tensor

	// Input quantizes the network's input, or the tensor of its entry.
	Input(x *G.Node, s Scales) (*G.Node, error)
	// Weights quantizes the parameters of layer i. The bias is nil where a table
	// takes it.
	Weights(i int, w, b *G.Node, s Scales) (*G.Node, *G.Node, error)
	// Recurrent quantizes the weights and the bias of the recurrent layer i. Its cell, an
	// op.Cell of an LSTM and an op.GRUCell of a GRU, works on integers; nil is the layer's
	// own, on the reals that RealScales says.
	Recurrent(i int, w, u, b *G.Node) (wq, uq, bq *G.Node, cell any, err error)
	// Real gives the factors and biases that turn layer i's accumulators into
	// reals, for a batch norm.
	Real(i int) func() (slopes, offsets []float64)
	// ShiftUnit is the step to which layer i's accumulators are rounded before a
	// table, or 0.
	ShiftUnit(i int) float32
	// Coefficients are the polynomial of activation layer i, one row for the
	// tensor or one a channel.
	Coefficients(i int) func() [][]float32
	// RealScales are what the numbers that travel into activation layer i, and out
	// of it, are multiplied by to be reals: one for the tensor or one a channel.
	RealScales(i int) (in, out []float64)
	// Table is lookup-table activation layer i of the accumulators x, or of their
	// normalised reals. bias, if not nil, is the parameter that the accumulator
	// was left without.
	Table(i int, x, bias *G.Node, normalised bool, s Scales) (*G.Node, error)
	// PoolFactor is what the window sums of pool i are multiplied by.
	PoolFactor(i int) float32
	// Join gives the factors by which layer i, an add or a concat, multiplies what it
	// reads.
	Join(i int) func() []float32
	// Logits turns the last layer's integers into reals.
	Logits(x *G.Node) (*G.Node, error)
}

// InputScale is the name of the input quantizer's scale, where it is learned.
const InputScale = "input.scale"

// Scales are a graph's nodes of the learned scales, by name; nil where a scale
// is not learned.
type Scales map[string]*G.Node
