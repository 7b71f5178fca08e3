package train

import (
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
	var theta *G.Node
	r := op.LSTM{Steps: in.shape[0], Cell: op.FloatCell{}}
	if g := l.Gates; g != nil {
		theta = b.parameter(l, "gates")
		c := op.NewPolynomialCell(g.Degree, float32(g.Radius), g.LinearOutput)
		c.Penalty, c.Inside, c.Count = float32(g.Penalty), float32(g.Inside), &b.graph.count
		b.cells = append(b.cells, c)
		r.Cell = c
	}
	reals := false
	if b.q != nil {
		var cell op.Cell
		var err error
		if w, u, bias, cell, err = b.q.Recurrent(i, w, u, bias); err != nil {
			return nil, err
		}
		if reals = cell == nil; !reals {
			r.Cell = cell
		} else if x, err = op.Scale(x, func() []float64 { in, _ := b.q.RealScales(i); return in }); err != nil {
			return nil, err
		}
	}
	if l.Mask && b.embed != nil {
		r.First = func() []int { return b.first }
	}
	y, err := r.Apply(x, w, u, bias, theta, in.needs)
	if err != nil || !reals {
		return y, err
	}
	return op.Scale(y, func() []float64 {
		_, out := b.q.RealScales(i)
		return []float64{1 / out[0]}
	})
}
