package train

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"qtool/model"
	"qtool/train/op"
)

// one is the scale of numbers that are reals already.
var one = []float64{1}

// trainable adds a polynomial with parameters. In float they are its
// coefficients; a quantizer rounds them, and the gradient passes straight
// through.
func (b *builder) trainable(i int, l model.Layer, x *G.Node) (*G.Node, error) {
	data := b.p.Coefficients(l.Name)
	if data == nil {
		return nil, fmt.Errorf("parameters are missing")
	}
	theta := b.node(model.Tensor{Name: l.Name + ".coefficients", Shape: []int{len(data)}, Data: data})
	b.params = append(b.params, theta)
	coeffs := func() [][]float32 { return [][]float32{float32s(l.FromParameters(data))} }
	if b.q != nil {
		coeffs = b.q.Coefficients(i)
	}
	y, err := op.Polynomial(x, coeffs)
	if err != nil {
		return nil, err
	}
	// theta_k goes with (x/R)^k.
	q := b.q
	return op.Trainable(y, x, theta, func() (in, out []float64) {
		in, out = realScales(q, i)
		scaled := make([]float64, len(in))
		for c, s := range in {
			scaled[c] = s / l.Radius()
		}
		return scaled, out
	})
}

// realScales are what layer i's inputs and outputs are multiplied by to be reals.
func realScales(q Quantizer, i int) (in, out []float64) {
	if q == nil {
		return one, one
	}
	return q.RealScales(i)
}

func float32s(a []float64) []float32 {
	row := make([]float32, len(a))
	for k, v := range a {
		row[k] = float32(v)
	}
	return row
}

// boundedInput is the input of a polynomial that has an interval.
type boundedInput struct {
	layer    int
	interval []float64
	node     *G.Node
	scales   func() []float64
}

// bound notes the input x of layer i, and lets a graph without a loss watch it.
// Where others read x too, it is a copy: the penalty is one reader more.
func (b *builder) bound(i int, l model.Layer, x *G.Node, forked bool) (*G.Node, error) {
	if forked && b.training {
		var err error
		if x, err = op.Same(x); err != nil {
			return nil, err
		}
	}
	if !b.training {
		var err error
		t := b.graph
		if x, err = op.Watch(x, func(v []float32) {
			if t.watch != nil {
				t.watch(i, v)
			}
		}); err != nil {
			return nil, err
		}
	}
	q := b.q
	scales := func() []float64 {
		in, _ := realScales(q, i)
		return in
	}
	b.bounded = append(b.bounded, boundedInput{i, l.Interval, x, scales})
	return x, nil
}

// penalise adds the inputs outside their intervals to the loss.
func (t *graph) penalise(labels *G.Node, weight float64) (err error) {
	for _, b := range t.bounded {
		o := op.Overflow{Lo: b.interval[0], Hi: b.interval[1], Weight: weight, Scales: b.scales}
		if t.loss, err = o.Penalise(t.loss, b.node, labels, &t.count); err != nil {
			return err
		}
	}
	return nil
}
