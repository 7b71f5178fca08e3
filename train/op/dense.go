package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Dense is y = x W^T + b for x of shape [N, I], W [O, I] and b [O].
//
// With inputGrad false no gradient flows to x: the first layer of a network
// saves that product.
func Dense(x, w, b *G.Node, inputGrad bool) (*G.Node, error) {
	xs, ws, bs := x.Shape(), w.Shape(), b.Shape()
	if len(xs) != 2 || len(ws) != 2 || len(bs) != 1 || xs[1] != ws[1] || ws[0] != bs[0] {
		return nil, fmt.Errorf("op dense: input %v, weight %v, bias %v do not fit", xs, ws, bs)
	}
	n, in, out := xs[0], xs[1], ws[0]
	o := operation{name: "dense", shape: tensor.Shape{n, out}, run: func(y []float32, v [][]float32) {
		x, w, b := v[0], v[1], v[2]
		for r := range n {
			row := x[r*in : (r+1)*in]
			for k := range out {
				y[r*out+k] = b[k] + dot(row, w[k*in:(k+1)*in])
			}
		}
	}}
	o.diff = gradients{nil, denseWeightGrad, biasGrad}
	if inputGrad {
		o.diff[0] = denseInputGrad
	}
	return apply(o, x, w, b)
}

// denseInputGrad is dx = dy W.
func denseInputGrad(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
	n, in, out := inputs[0].Shape()[0], inputs[0].Shape()[1], inputs[1].Shape()[0]
	return apply(operation{name: "dense-dx", shape: tensor.Shape{n, in}, run: func(dx []float32, v [][]float32) {
		w, dy := v[0], v[1]
		clear(dx)
		for r := range n {
			for k := range out {
				axpy(dy[r*out+k], w[k*in:(k+1)*in], dx[r*in:(r+1)*in])
			}
		}
	}}, inputs[1], dy)
}

// denseWeightGrad is dW = dy^T x.
func denseWeightGrad(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
	n, in, out := inputs[0].Shape()[0], inputs[0].Shape()[1], inputs[1].Shape()[0]
	return apply(operation{name: "dense-dw", shape: tensor.Shape{out, in}, run: func(dw []float32, v [][]float32) {
		x, dy := v[0], v[1]
		clear(dw)
		for k := range out {
			for r := range n {
				axpy(dy[r*out+k], x[r*in:(r+1)*in], dw[k*in:(k+1)*in])
			}
		}
	}}, inputs[0], dy)
}

// biasGrad sums dy of shape [N, O, ...] over all but O.
func biasGrad(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
	n, out := dy.Shape()[0], dy.Shape()[1]
	per := dy.Shape().TotalSize() / (n * out)
	return apply(operation{name: "bias-grad", shape: tensor.Shape{out}, run: func(db []float32, v [][]float32) {
		dy := v[0]
		clear(db)
		for r := range n {
			for k := range out {
				at := (r*out + k) * per
				var s float32
				for _, g := range dy[at : at+per] {
					s += g
				}
				db[k] += s
			}
		}
	}}, dy)
}
