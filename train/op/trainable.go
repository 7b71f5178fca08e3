package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Trainable lets a gradient flow to the parameters theta [d+1] of a polynomial
// y = Polynomial(x) of x [C, ..., N]. It passes y on. With in and out the scales that scales()
// gives at each run, for the tensor or one a channel,
//
//	real x = in_c x,   real y = out_c y = sum theta_k (in_c x)^k
//	dtheta_k = sum over elements of dy/out_c * (in_c x)^k
//
// so that the integers of fake quantization, rounded coefficients included, are
// trained straight through as the reals they stand for. Sums are in float64.
func Trainable(y, x, theta *G.Node, scales func() (in, out []float64)) (*G.Node, error) {
	shape := x.Shape().Clone()
	if !shape.Eq(y.Shape()) || theta.Dims() != 1 {
		return nil, fmt.Errorf("op trainable: input %v, output %v, parameters %v do not fit", shape, y.Shape(), theta.Shape())
	}
	channels, terms := shape[0], theta.Shape()[0]
	per := shape.TotalSize() / channels
	run := func(dtheta []float32, v [][]float32) {
		x, dy := v[0], v[1]
		in, out := scales()
		sums := make([]float64, terms)
		for c := range channels {
			s, f := in[c%len(in)], 1/out[c%len(out)]
			for k := c * per; k < (c+1)*per; k++ {
				if dy[k] == 0 {
					continue
				}
				term, z := float64(dy[k])*f, float64(x[k])*s
				for j := range sums {
					sums[j] += term
					term *= z
				}
			}
		}
		for j, s := range sums {
			dtheta[j] = float32(s)
		}
	}
	passed := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) { return dy, nil }
	grad := func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "trainable-dtheta", shape: tensor.Shape{terms}, run: run}, inputs[1], dy)
	}
	return apply(operation{name: "trainable", shape: shape, diff: gradients{passed, nil, grad},
		run: func(y []float32, v [][]float32) { copy(y, v[0]) }}, y, x, theta)
}
