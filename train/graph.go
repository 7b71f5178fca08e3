// Package train turns a model.Network into Gorgonia graphs and fits its
// parameters: float training, and (through the Quantizer hook that package qat
// implements) quantization-aware training.
package train

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/model"
	"qtool/train/op"
)

// Quantizer inserts fake quantization into a training graph. All its methods
// but Refresh are called while a graph is built; what they insert reads scales
// that Refresh may move between runs.
type Quantizer interface {
	// Refresh adapts the scales to the parameters, before a step's graphs run.
	Refresh(p model.Parameters) error
	// Input quantizes the network's input.
	Input(x *G.Node) (*G.Node, error)
	// Weights quantizes the parameters of layer i.
	Weights(i int, w, b *G.Node) (*G.Node, *G.Node, error)
	// Coefficients are the polynomial of activation layer i, one row for the
	// tensor or one a channel.
	Coefficients(i int) func() [][]float32
	// Scales are what the numbers that travel into activation layer i, and out of
	// it, are multiplied by to be reals: one for the tensor or one a channel.
	Scales(i int) (in, out []float64)
	// PoolFactor is what the window sums of pool i are multiplied by.
	PoolFactor(i int) float32
	// Logits turns the last layer's integers into reals.
	Logits(x *G.Node) (*G.Node, error)
}

// graph is a network on a fixed batch, with its tape machine. Parameters are
// shared with other graphs through the slices behind them.
type graph struct {
	batch  int
	input  *tensor.Dense // [batch, shape...]
	labels *tensor.Dense // [batch]; nil without a loss
	count  int           // labels that the loss is divided by
	params G.Nodes
	logits *G.Node
	loss   *G.Node
	vm     G.VM
	// bounded are the inputs of polynomials that have an interval.
	bounded []boundedInput
	// watch, if not nil, is shown the inputs of layer i at each run of a graph
	// without a loss.
	watch func(i int, x []float32)
}

// newGraph builds the network for one batch size; withLoss adds the
// cross-entropy, the penalty of that weight for inputs outside their interval,
// and the gradients of every parameter.
func newGraph(n *model.Network, p model.Parameters, q Quantizer, batch int, withLoss bool, penalty float64) (*graph, error) {
	g := G.NewGraph()
	t := &graph{batch: batch}
	shape := append(tensor.Shape{batch}, n.Input...)
	t.input = tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float32))
	x := G.NewTensor(g, tensor.Float32, len(shape), G.WithShape(shape...), G.WithName("input"), G.WithValue(t.input))
	var err error
	if q != nil {
		if x, err = q.Input(x); err != nil {
			return nil, err
		}
	}
	for i, l := range n.Layers {
		if l.Interval != nil {
			if x, err = t.bound(i, l, x, q, withLoss); err != nil {
				return nil, err
			}
		}
		if x, err = t.layer(g, p, q, i, l, x); err != nil {
			return nil, fmt.Errorf("train: layer %q (%s): %w", l.Name, l.Type, err)
		}
	}
	if q != nil {
		if x, err = q.Logits(x); err != nil {
			return nil, err
		}
	}
	t.logits = x
	if withLoss {
		t.labels = tensor.New(tensor.WithShape(batch), tensor.Of(tensor.Float32))
		labels := G.NewTensor(g, tensor.Float32, 1, G.WithShape(batch), G.WithName("labels"), G.WithValue(t.labels))
		if t.loss, err = op.CrossEntropy(x, labels, &t.count); err != nil {
			return nil, err
		}
		if penalty > 0 {
			for _, b := range t.bounded {
				if t.loss, err = b.overflow(penalty).Penalise(t.loss, b.node, labels, &t.count); err != nil {
					return nil, err
				}
			}
		}
		if _, err = G.Grad(t.loss, t.params...); err != nil {
			return nil, fmt.Errorf("train: differentiate: %w", err)
		}
	}
	t.vm = G.NewTapeMachine(g)
	return t, nil
}

// layer adds layer i to the graph.
func (t *graph) layer(g *G.ExprGraph, p model.Parameters, q Quantizer, i int, l model.Layer, x *G.Node) (*G.Node, error) {
	switch l.Function() {
	case model.Conv, model.Dense:
		inputGrad := len(t.params) > 0 // the first weighted layer needs none
		w, b, err := t.weights(g, p, l)
		if err == nil && q != nil {
			w, b, err = q.Weights(i, w, b)
		}
		if err != nil {
			return nil, err
		}
		if l.Type == model.Conv {
			return op.Conv2D(x, w, b, l.Steps(), l.Padding, inputGrad)
		}
		return op.Dense(x, w, b, inputGrad)
	case model.AvgPool:
		factor := 1 / float32(l.Kernel*l.Kernel)
		if q != nil {
			factor = q.PoolFactor(i)
		}
		return op.Pool(x, l.Kernel, l.Steps(), factor)
	case model.Flatten:
		return op.Flatten(x)
	case model.Tanh:
		return op.Tanh(x)
	case model.Sigmoid:
		return op.Sigmoid(x)
	case model.ReLU:
		return op.ReLU(x)
	case model.SiLU:
		return op.SiLU(x)
	}
	a, ok := l.PolynomialCoefficients()
	if !ok {
		return nil, fmt.Errorf("no operation for this type")
	}
	if l.Trainable {
		return t.trainable(g, p, q, i, l, x)
	}
	if q != nil {
		return op.Polynomial(x, q.Coefficients(i))
	}
	row := make([]float32, len(a))
	for k, c := range a {
		row[k] = float32(c)
	}
	rows := [][]float32{row}
	return op.Polynomial(x, func() [][]float32 { return rows })
}

// weights adds the layer's parameter nodes. Their tensors are headers of this
// graph's own over the shared slices: two tape machines must not share a tensor.
func (t *graph) weights(g *G.ExprGraph, p model.Parameters, l model.Layer) (w, b *G.Node, err error) {
	for _, s := range p {
		if s.Name != l.Name+".weight" && s.Name != l.Name+".bias" {
			continue
		}
		d := tensor.New(tensor.WithShape(s.Shape...), tensor.WithBacking(s.Data))
		n := G.NewTensor(g, tensor.Float32, len(s.Shape), G.WithShape(s.Shape...), G.WithName(s.Name), G.WithValue(d))
		t.params = append(t.params, n)
		if len(s.Shape) == 1 {
			b = n
		} else {
			w = n
		}
	}
	if w == nil || b == nil {
		return nil, nil, fmt.Errorf("parameters are missing")
	}
	return w, b, nil
}

// run executes the graph on what input and labels hold.
func (t *graph) run() error {
	t.vm.Reset()
	if err := t.vm.RunAll(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// gradients are the parameters' gradients of the last run, in order.
func (t *graph) gradients() ([][]float32, error) {
	grads := make([][]float32, len(t.params))
	for i, n := range t.params {
		v, err := n.Grad()
		if err != nil {
			return nil, fmt.Errorf("train: gradient of %s: %w", n.Name(), err)
		}
		grads[i] = v.Data().([]float32)
	}
	return grads, nil
}
