package train

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/model"
	"qtool/train/op"
)

// builder adds a network's layers to a graph.
type builder struct {
	*graph
	g        *G.ExprGraph
	p        model.Parameters
	q        Quantizer
	n        *model.Network
	training bool
	prefix   string  // of the names of tensors: a graph takes equal names for one
	bias     *G.Node // the parameter that a table is to take, if any
	real     bool    // a batch norm has made reals of a quantized layer's integers
}

// all adds all layers.
func (b *builder) all(x *G.Node) (*G.Node, error) {
	for i, l := range b.n.Layers {
		var err error
		if l.Interval != nil {
			x, err = b.bound(i, l, x)
		}
		if err == nil {
			x, err = b.layer(i, l, x)
		}
		if err != nil {
			return nil, fmt.Errorf("train: layer %q (%s): %w", l.Name, l.Type, err)
		}
		b.layers = append(b.layers, x)
	}
	return x, nil
}

// layer adds layer i.
func (b *builder) layer(i int, l model.Layer, x *G.Node) (*G.Node, error) {
	switch {
	case l.Weighted():
		return b.weighted(i, l, x)
	case l.Type == model.BatchNorm:
		return b.batchNorm(l, x)
	case l.Type == model.AvgPool:
		factor := 1 / float32(l.Kernel*l.Kernel)
		if b.q != nil && !b.real {
			factor = b.q.PoolFactor(i)
		}
		return op.Pool(x, l.Kernel, l.Steps(), factor)
	case l.Type == model.Flatten:
		return op.Flatten(x)
	case b.q != nil && l.Tabled():
		bias, normalised := b.bias, b.real
		b.bias, b.real = nil, false
		return b.q.Table(i, x, bias, normalised, b.scales)
	}
	switch l.Function() {
	case model.Tanh:
		return op.Tanh(x)
	case model.Sigmoid:
		return op.Sigmoid(x)
	case model.ReLU:
		return op.ReLU(x)
	case model.SiLU:
		return op.SiLU(x)
	case model.Sign:
		return op.Sign(x)
	}
	a, ok := l.PolynomialCoefficients()
	if !ok {
		return nil, fmt.Errorf("no operation for this type")
	}
	if l.Trainable {
		return b.trainable(i, l, x)
	}
	if b.q != nil {
		return op.Polynomial(x, b.q.Coefficients(i))
	}
	rows := [][]float32{float32s(a)}
	return op.Polynomial(x, func() [][]float32 { return rows })
}

func (b *builder) weighted(i int, l model.Layer, x *G.Node) (*G.Node, error) {
	// The first weighted layer needs no gradient of its input, unless that has a
	// learned scale.
	inputGrad := len(b.params) > 0 || b.scales[InputScale] != nil
	w, bias := b.parameters(l)
	if w == nil || bias == nil {
		return nil, fmt.Errorf("parameters are missing")
	}
	b.params = append(b.params, w)
	// Before a batch norm a bias makes no difference; its gradient would be
	// rounding noise.
	normed := i+1 < len(b.n.Layers) && b.n.Layers[i+1].Type == model.BatchNorm
	toReal := b.q != nil && b.training && normed
	if !normed {
		b.params = append(b.params, bias)
	}
	if b.q != nil {
		quantized, quantizedBias, err := b.q.Weights(i, w, bias, b.scales)
		if err != nil {
			return nil, err
		}
		if quantizedBias == nil {
			b.bias = bias
			if normed {
				b.bias = nil
			}
			zeros := model.Tensor{Name: l.Name + ".no-bias", Shape: bias.Shape(), Data: make([]float32, bias.Shape()[0])}
			quantizedBias = b.node(zeros)
		}
		w, bias = quantized, quantizedBias
	}
	var err error
	if l.Type == model.Conv {
		x, err = op.Conv2D(x, w, bias, l.Steps(), l.Padding, inputGrad)
	} else {
		x, err = op.Dense(x, w, bias, inputGrad)
	}
	if err != nil || !toReal {
		return x, err
	}
	b.real = true
	if unit := b.q.ShiftUnit(i); unit > 0 {
		for _, l := range b.n.Layers[i:b.n.TableAfter(i)] {
			if l.Type == model.AvgPool {
				return nil, fmt.Errorf("a table with a rounding shift cannot follow a batch norm and pool %q: put the pool after the activation", l.Name)
			}
		}
		if x, err = op.RoundTo(x, unit); err != nil {
			return nil, err
		}
	}
	return op.Affine(x, b.q.Real(i))
}

// batchNorm normalises by the batch in training and by the running moments
// otherwise. Tables hold their batch norm.
func (b *builder) batchNorm(l model.Layer, x *G.Node) (*G.Node, error) {
	switch {
	case b.training:
		w, bias := b.parameters(l)
		b.params = append(b.params, w, bias)
		m := &op.Moments{}
		b.norms = append(b.norms, norm{l.Name, m})
		return op.BatchNorm(x, w, bias, model.BatchNormEpsilon, &b.rows, m)
	case b.q != nil:
		return x, nil
	}
	return op.Affine(x, func() ([]float64, []float64) { return b.p.Normalisation(l.Name) })
}

// parameters are the layer's weight and bias nodes.
func (b *builder) parameters(l model.Layer) (w, bias *G.Node) {
	for _, t := range b.p {
		switch t.Name {
		case l.Name + ".weight":
			w = b.node(t)
		case l.Name + ".bias":
			bias = b.node(t)
		}
	}
	return w, bias
}

// node is a tensor as an input of the graph. Its header is this graph's own over
// the shared slice: two tape machines must not share a tensor.
func node(g *G.ExprGraph, t model.Tensor) *G.Node {
	d := tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(t.Data))
	return G.NewTensor(g, tensor.Float32, len(t.Shape), G.WithShape(t.Shape...), G.WithName(t.Name), G.WithValue(d))
}

// node is a tensor of the network that is built; see node.
func (b *builder) node(t model.Tensor) *G.Node {
	t.Name = b.prefix + t.Name
	return node(b.g, t)
}
