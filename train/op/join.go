package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Add is sum_i factors()[i] * xs[i] for tensors of one shape. factors is read at
// each run; gradients of the inputs for which wanted is false are left out.
//
// Every sum begins at 0 and takes the inputs in order, each product rounded.
func Add(xs []*G.Node, factors func() []float32, wanted []bool) (*G.Node, error) {
	shape := xs[0].Shape().Clone()
	diff := make(gradients, len(xs))
	for i, x := range xs {
		if !x.Shape().Eq(shape) {
			return nil, fmt.Errorf("op add: inputs %v and %v do not fit", shape, x.Shape())
		}
		if !wanted[i] {
			continue
		}
		diff[i] = func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
			return apply(operation{name: "add-dx", shape: shape, run: func(dx []float32, v [][]float32) {
				f := factors()[i]
				for k, d := range v[0] {
					dx[k] = f * d
				}
			}}, dy)
		}
	}
	return apply(operation{name: "add", shape: shape, diff: diff, run: func(y []float32, v [][]float32) {
		clear(y)
		for i, f := range factors() {
			for k, x := range v[i][:len(y)] {
				y[k] += float32(f * x) // rounded, then added
			}
		}
	}}, xs...)
}

// Mul is the product of two tensors of one shape, element by element, which may be
// the same. See Add for wanted.
func Mul(x, y *G.Node, wanted []bool) (*G.Node, error) {
	shape := x.Shape().Clone()
	if !y.Shape().Eq(shape) {
		return nil, fmt.Errorf("op mul: inputs %v and %v do not fit", shape, y.Shape())
	}
	multiply := func(z []float32, v [][]float32) {
		for k, x := range v[0] {
			z[k] = x * v[1][k]
		}
	}
	diff := make(gradients, 2)
	for i := range diff {
		if wanted[i] {
			diff[i] = func(inputs G.Nodes, _, dz *G.Node) (*G.Node, error) {
				return apply(operation{name: "mul-dx", shape: shape, run: multiply}, inputs[1-i], dz)
			}
		}
	}
	return apply(operation{name: "mul", shape: shape, diff: diff, run: multiply}, x, y)
}

// Concat joins tensors along their first dimension, input i multiplied by
// factors()[i]. See Add for wanted.
func Concat(xs []*G.Node, factors func() []float32, wanted []bool) (*G.Node, error) {
	shape := xs[0].Shape().Clone()
	shape[0] = 0
	for _, x := range xs {
		s := x.Shape()
		if len(s) != len(shape) || !slices.Equal(s[1:], shape[1:]) {
			return nil, fmt.Errorf("op concat: inputs %v and %v do not fit", xs[0].Shape(), s)
		}
		shape[0] += s[0]
	}
	diff := make(gradients, len(xs))
	from := 0
	for i, x := range xs {
		part, at := x.Shape().Clone(), from
		from += part.TotalSize()
		if !wanted[i] {
			continue
		}
		diff[i] = func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
			return apply(operation{name: "concat-dx", shape: part, run: func(dx []float32, v [][]float32) {
				scaled(dx, v[0][at:], factors()[i])
			}}, dy)
		}
	}
	return apply(operation{name: "concat", shape: tensor.Shape(shape), diff: diff, run: func(y []float32, v [][]float32) {
		f := factors()
		for i, x := range v {
			scaled(y[:len(x)], x, f[i])
			y = y[len(x):]
		}
	}}, xs...)
}

// scaled writes f*x to dst.
func scaled(dst, x []float32, f float32) {
	if f == 1 {
		copy(dst, x)
		return
	}
	for k := range dst {
		dst[k] = f * x[k]
	}
}

// Same is a copy of x, with the gradient copied back. A graph needs it where more
// than two operations read one tensor: sums of two gradients alone do not depend on
// the order in which they are taken.
func Same(x *G.Node) (*G.Node, error) {
	shape := x.Shape().Clone()
	copied := func(y []float32, v [][]float32) { copy(y, v[0]) }
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "same-dx", shape: shape, run: copied}, dy)
	}
	return apply(operation{name: "same", shape: shape, diff: gradients{grad}, run: copied}, x)
}
