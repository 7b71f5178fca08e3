package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
)

// Dense is y = W x + b for x of shape [I, N], W [O, I] and b [O].
//
// With inputGrad false no gradient flows to x: the first layer of a network
// saves that product.
func Dense(x, w, b *G.Node, inputGrad bool) (*G.Node, error) {
	xs, ws, bs := x.Shape(), w.Shape(), b.Shape()
	if len(xs) != 2 || len(ws) != 2 || len(bs) != 1 || xs[0] != ws[1] || ws[0] != bs[0] {
		return nil, fmt.Errorf("op dense: input %v, weight %v, bias %v do not fit", xs, ws, bs)
	}
	in, n, out := xs[0], xs[1], ws[0]
	terms := terms(in, 1, n)
	o := operation{name: "dense", shape: tensor.Shape{out, n}, run: func(y []float32, v [][]float32) {
		x, w, b := v[0], v[1], v[2]
		f32.Product(f32.Matrix{Data: y, Row: n}, b, f32.Matrix{Data: w, Row: in}, x, terms, out, n)
	}}
	o.diff = gradients{nil, denseWeightGrad, biasGrad}
	if inputGrad {
		o.diff[0] = denseInputGrad
	}
	return apply(o, x, w, b)
}

// terms are where the terms of a product of matrices lie: term k is at k*a and k*b.
func terms(count, a, b int) []f32.Term {
	t := make([]f32.Term, count)
	for k := range t {
		t[k] = f32.Term{A: k * a, B: k * b}
	}
	return t
}

// denseInputGrad is dx = W^T dy.
func denseInputGrad(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
	in, n, out := inputs[0].Shape()[0], inputs[0].Shape()[1], inputs[1].Shape()[0]
	terms, zeros := terms(out, in, n), make([]float32, in)
	return apply(operation{name: "dense-dx", shape: tensor.Shape{in, n}, run: func(dx []float32, v [][]float32) {
		w, dy := v[0], v[1]
		f32.Product(f32.Matrix{Data: dx, Row: n}, zeros, f32.Matrix{Data: w, Row: 1}, dy, terms, in, n)
	}}, inputs[1], dy)
}

// denseWeightGrad is dW = dy x^T.
func denseWeightGrad(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
	in, n, out := inputs[0].Shape()[0], inputs[0].Shape()[1], inputs[1].Shape()[0]
	terms, zeros, transposed := terms(n, 1, in), make([]float32, out), make([]float32, n*in)
	return apply(operation{name: "dense-dw", shape: tensor.Shape{out, in}, run: func(dw []float32, v [][]float32) {
		x, dy := v[0], v[1]
		f32.Transpose(transposed, x, in, n)
		f32.Product(f32.Matrix{Data: dw, Row: in}, zeros, f32.Matrix{Data: dy, Row: n}, transposed, terms, out, in)
	}}, inputs[0], dy)
}

// biasGrad sums dy of shape [O, ...] over all but O.
func biasGrad(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
	out := dy.Shape()[0]
	per := dy.Shape().TotalSize() / out
	return apply(operation{name: "bias-grad", shape: tensor.Shape{out}, run: func(db []float32, v [][]float32) {
		for k := range db {
			db[k] = f32.Sum(v[0][k*per : (k+1)*per])
		}
	}}, dy)
}
