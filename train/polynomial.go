package train

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/model"
	"qtool/train/op"
)

// one is the scale of numbers that are reals already.
var one = []float64{1}

// trainable adds a polynomial with parameters to the graph. In float they are
// its coefficients; a quantizer rounds them, and the gradient passes straight
// through.
func (t *graph) trainable(g *G.ExprGraph, p model.Parameters, q Quantizer, i int, l model.Layer, x *G.Node) (*G.Node, error) {
	data := p.Coefficients(l.Name)
	if data == nil {
		return nil, fmt.Errorf("parameters are missing")
	}
	d := tensor.New(tensor.WithShape(len(data)), tensor.WithBacking(data))
	theta := G.NewTensor(g, tensor.Float32, 1, G.WithShape(len(data)), G.WithName(l.Name+".coefficients"), G.WithValue(d))
	t.params = append(t.params, theta)
	coeffs := func() [][]float32 {
		row := make([]float32, len(data))
		for k, a := range l.FromParameters(data) {
			row[k] = float32(a)
		}
		return [][]float32{row}
	}
	if q != nil {
		coeffs = q.Coefficients(i)
	}
	y, err := op.Polynomial(x, coeffs)
	if err != nil {
		return nil, err
	}
	// theta_k goes with (x/R)^k.
	return op.Trainable(y, x, theta, func() (in, out []float64) {
		in, out = inputScales(q, i), one
		if q != nil {
			_, out = q.Scales(i)
		}
		scaled := make([]float64, len(in))
		for c, s := range in {
			scaled[c] = s / l.Radius()
		}
		return scaled, out
	})
}

// inputScales are what layer i's inputs are multiplied by to be reals.
func inputScales(q Quantizer, i int) []float64 {
	if q == nil {
		return one
	}
	in, _ := q.Scales(i)
	return in
}

// boundedInput is the input of a polynomial that has an interval.
type boundedInput struct {
	layer    int
	interval []float64
	node     *G.Node
	scales   func() []float64
}

func (b boundedInput) overflow(weight float64) op.Overflow {
	return op.Overflow{Lo: b.interval[0], Hi: b.interval[1], Weight: weight, Scales: b.scales}
}

// bound notes the input x of layer i, and lets a graph without a loss watch it.
func (t *graph) bound(i int, l model.Layer, x *G.Node, q Quantizer, withLoss bool) (*G.Node, error) {
	if !withLoss {
		var err error
		if x, err = op.Watch(x, func(v []float32) {
			if t.watch != nil {
				t.watch(i, v)
			}
		}); err != nil {
			return nil, err
		}
	}
	t.bounded = append(t.bounded, boundedInput{i, l.Interval, x, func() []float64 { return inputScales(q, i) }})
	return x, nil
}
