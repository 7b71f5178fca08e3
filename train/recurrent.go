package train

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"qtool/model"
	"qtool/train/op"
)

// parameter is the node of a layer's tensor, which gradients change.
func (b *builder) parameter(l model.Layer, part string) *G.Node {
	for _, t := range b.p {
		if t.Name == l.Name+"."+part {
			n := b.node(t)
			b.params = append(b.params, n)
			return n
		}
	}
	return nil
}

// projection maps the vector of every step; it has no bias.
func (b *builder) projection(l model.Layer, x *G.Node) (*G.Node, error) {
	none := model.Tensor{Name: l.Name + ".no-bias", Shape: []int{l.Units}, Data: make([]float32, l.Units)}
	return op.Dense(x, b.parameter(l, "weight"), b.node(none), true)
}

// recurrent adds a recurrent layer on x [size, steps*batch].
func (b *builder) recurrent(i int, l model.Layer, in *made, x *G.Node) (*G.Node, error) {
	w, u, bias := b.parameter(l, "input"), b.parameter(l, "hidden"), b.parameter(l, "bias")
	theta, cell := b.ownCell(l)
	reals := false
	if b.q != nil {
		var quantized any
		var err error
		if w, u, bias, quantized, err = b.q.Recurrent(i, w, u, bias); err != nil {
			return nil, err
		}
		if reals = quantized == nil; !reals {
			cell = quantized
		} else if x, err = op.Scale(x, func() []float64 { in, _ := b.q.RealScales(i); return in }); err != nil {
			return nil, err
		}
	}
	var first func() []int
	if l.Mask && b.embed != nil {
		first = func() []int { return b.first }
	}
	var y *G.Node
	var err error
	switch cell := cell.(type) {
	case op.Cell:
		y, err = op.LSTM{Steps: in.shape[0], Cell: cell, First: first}.Apply(x, w, u, bias, theta, in.needs)
	case op.GRUCell:
		y, err = op.GRU{Steps: in.shape[0], Cell: cell, First: first}.Apply(x, w, u, bias, in.needs)
	default:
		err = fmt.Errorf("no operation for a cell of type %T", cell)
	}
	if err != nil || !reals {
		return y, err
	}
	return op.Scale(y, func() []float64 {
		_, out := b.q.RealScales(i)
		return []float64{1 / out[0]}
	})
}

// ownCell is the layer's cell on reals, with the node of its own parameters, if it has some.
func (b *builder) ownCell(l model.Layer) (theta *G.Node, cell any) {
	switch g := l.Gates; {
	case l.Type == model.GRU:
		return nil, op.FloatGRU{}
	case g == nil:
		return nil, op.FloatCell{}
	default:
		c := op.NewPolynomialCell(g.Degree, float32(g.Radius), g.LinearOutput)
		c.Penalty, c.Inside, c.Count = float32(g.Penalty), float32(g.Inside), &b.graph.count
		b.cells = append(b.cells, c)
		return b.parameter(l, "gates"), c
	}
}
