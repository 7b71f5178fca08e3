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
	drops    bool   // there is dropout
	prefix   string // of the names of tensors: a graph takes equal names for one
	sources  [][]int
	tensors  []made // of each layer
	input    made
}

// made is the tensor of a layer, or the input.
type made struct {
	node  *G.Node
	shape []int
	reads int // how often it is still to be read
	// needs says that gradients flow to it: a parameter or a learned scale is in it.
	needs bool
	bias  *G.Node // the parameter that a table is to take, if any
	real  bool    // a batch norm has made reals of a quantized layer's integers
}

// all adds all layers.
func (b *builder) all(x *G.Node) (*G.Node, error) {
	shapes, err := b.n.Shapes()
	if err != nil {
		return nil, err
	}
	if b.sources, err = b.n.Sources(); err != nil {
		return nil, err
	}
	b.shapes = shapes
	entry := b.n.Entry()
	b.input = made{node: x, shape: b.n.Input, needs: b.scales[InputScale] != nil || b.embed != nil && b.training}
	if entry == model.Input {
		if err := b.enters(&b.input); err != nil {
			return nil, err
		}
	}
	b.tensors = make([]made, len(shapes))
	for _, from := range b.sources {
		for _, k := range from {
			b.tensor(k).reads++
		}
	}
	for i, l := range b.n.Layers {
		t := &b.tensors[i]
		t.shape = shapes[i]
		err := b.layer(i, l, t)
		if err != nil {
			return nil, fmt.Errorf("train: layer %q (%s): %w", l.Name, l.Type, err)
		}
		if i == entry {
			if err := b.enters(t); err != nil {
				return nil, err
			}
		}
		b.layers = append(b.layers, t.node)
	}
	return b.tensors[len(shapes)-1].node, nil
}

// enters quantizes the tensor at the entry, if anything is quantized.
func (b *builder) enters(t *made) (err error) {
	if b.q != nil {
		t.node, err = b.q.Input(t.node, b.scales)
	}
	b.entered = t.node
	return err
}

// tensor is layer i's, or the input.
func (b *builder) tensor(i int) *made {
	if i == model.Input {
		return &b.input
	}
	return &b.tensors[i]
}

// read gives tensor i to one of its readers. Of more than two, all but one read a
// copy, so that no more than two gradients meet in one sum.
func (b *builder) read(i int) (*G.Node, error) {
	t := b.tensor(i)
	x := t.node
	if t.reads--; t.reads > 1 && t.needs && b.training {
		var err error
		if t.node, err = op.Same(x); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// layer adds layer i, and makes t of it.
func (b *builder) layer(i int, l model.Layer, t *made) error {
	from := b.sources[i]
	xs, needs := make([]*G.Node, len(from)), make([]bool, len(from))
	for k := range from {
		forked := b.tensor(from[k]).reads > 1
		x, err := b.read(from[k])
		if err == nil && l.Interval != nil {
			x, err = b.bound(i, l, x, forked)
		}
		if err != nil {
			return err
		}
		xs[k], needs[k] = x, b.tensor(from[k]).needs
		t.needs = t.needs || needs[k]
	}
	in := b.tensor(from[0])
	t.bias, t.real = in.bias, in.real
	params := len(b.params)
	var err error
	t.node, err = b.operation(i, l, t, in, xs, needs)
	t.needs = t.needs || len(b.params) > params
	return err
}

// operation is layer i on the tensors xs, the first of them made by in.
func (b *builder) operation(i int, l model.Layer, t, in *made, xs []*G.Node, needs []bool) (*G.Node, error) {
	x := xs[0]
	switch {
	case l.Weighted():
		return b.weighted(i, l, t, in, x)
	case l.Type == model.Embedding:
		return x, nil // the feed has looked the words up
	case l.Type == model.Projection:
		return b.projection(l, x)
	case l.Recurrent():
		t.bias, t.real = nil, false
		return b.recurrent(i, l, in, x)
	case l.Type == model.BatchNorm:
		return b.batchNorm(l, x)
	case l.Averages():
		w := window(l, in.shape)
		factor := 1 / float32(w.Kernel[0]*w.Kernel[1])
		if b.q != nil && !t.real {
			factor = b.q.PoolFactor(i)
		}
		y, err := op.Pool(x, w, factor)
		return flattened(l, y, err)
	case l.Maximum():
		y, err := op.MaxPool(x, window(l, in.shape))
		return flattened(l, y, err)
	case l.Type == model.Flatten:
		return op.Flatten(x)
	case l.Type == model.Dropout:
		return b.dropout(i, l, x)
	case l.Type == model.Add:
		return op.Add(xs, b.factors(i), needs)
	case l.Type == model.Mul:
		return op.Mul(xs[0], xs[1], needs)
	case l.Type == model.Concat:
		return op.Concat(xs, b.factors(i), needs)
	case b.q != nil && l.LookupTable():
		t.bias, t.real = nil, false
		return b.q.Table(i, x, in.bias, in.real, b.scales)
	}
	return b.activation(i, l, x)
}

// flattened makes a global pool's [channels, 1, 1, batch] its [channels, batch].
func flattened(l model.Layer, y *G.Node, err error) (*G.Node, error) {
	if err != nil || l.Type != model.GlobalAvgPool && l.Type != model.GlobalMaxPool {
		return y, err
	}
	return op.Flatten(y)
}

// window is a layer's window on an input of shape in.
func window(l model.Layer, in []int) op.Window {
	w := l.Window(in)
	return op.Window{Kernel: w.Kernel, Stride: w.Stride, Dilation: w.Dilation, Before: w.Before, After: w.After, Groups: w.Groups}
}

// factors are what layer i multiplies the tensors by that it joins.
func (b *builder) factors(i int) func() []float32 {
	if b.q != nil {
		return b.q.Join(i)
	}
	ones := make([]float32, len(b.sources[i]))
	for k := range ones {
		ones[k] = 1
	}
	return func() []float32 { return ones }
}

// activation adds an elementwise layer that is no table.
func (b *builder) activation(i int, l model.Layer, x *G.Node) (*G.Node, error) {
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

func (b *builder) weighted(i int, l model.Layer, t, in *made, x *G.Node) (*G.Node, error) {
	w, bias := b.parameters(l)
	if w == nil || bias == nil {
		return nil, fmt.Errorf("parameters are missing")
	}
	t.bias, t.real = nil, false
	b.params = append(b.params, w)
	// Before a batch norm a bias makes no difference; its gradient would be
	// rounding noise.
	normed := b.normed(i)
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
			if !normed {
				t.bias = bias
			}
			zeros := model.Tensor{Name: l.Name + ".no-bias", Shape: bias.Shape(), Data: make([]float32, bias.Shape()[0])}
			quantizedBias = b.node(zeros)
		}
		w, bias = quantized, quantizedBias
	}
	// A layer without parameters before it, such as the first, needs no gradient of
	// its input.
	var err error
	if l.Type == model.Conv {
		x, err = op.Conv2D(x, w, bias, window(l, in.shape), in.needs)
	} else {
		x, err = op.Dense(x, w, bias, in.needs)
	}
	if err != nil || !toReal {
		return x, err
	}
	t.real = true
	if unit := b.q.ShiftUnit(i); unit > 0 {
		for _, k := range b.n.PathToTable(i) {
			if l := b.n.Layers[k]; l.Averages() {
				return nil, fmt.Errorf("a table with a rounding shift cannot follow a batch norm and pool %q: put the pool after the activation", l.Name)
			}
		}
		if x, err = op.RoundTo(x, unit); err != nil {
			return nil, err
		}
	}
	return op.Affine(x, b.q.Real(i))
}

// normed reports whether a batch norm reads layer i, alone.
func (b *builder) normed(i int) bool {
	for k, from := range b.sources {
		if from[0] == i && b.n.Layers[k].Type == model.BatchNorm {
			return true
		}
	}
	return false
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
		return op.BatchNorm(x, w, bias, model.BatchNormEpsilon, &b.used, m)
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
