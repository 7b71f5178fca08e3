package op

import (
	G "gorgonia.org/gorgonia"

	"qtool/kernel/f32"
)

// Tanh is the hyperbolic tangent of every element.
func Tanh(x *G.Node) (*G.Node, error) {
	return elementwise("tanh", x, f32.Tanh, func(dx, _, y, dy []float32) { f32.TanhGrad(dx, y, dy) })
}

// Sigmoid is 1/(1+exp(-x)) of every element.
func Sigmoid(x *G.Node) (*G.Node, error) {
	return elementwise("sigmoid", x, f32.Sigmoid, func(dx, _, y, dy []float32) { f32.SigmoidGrad(dx, y, dy) })
}

// ReLU is max(x, 0) of every element; its gradient at 0 is 0.
func ReLU(x *G.Node) (*G.Node, error) {
	return elementwise("relu", x, f32.ReLU, func(dx, x, _, dy []float32) { f32.ReLUGrad(dx, x, dy) })
}

// Sign is -1 below 0 and 1 from 0 on. Its gradient is the gradient of x clamped to
// [-1, 1]: the straight-through estimator.
//
// Reference: Hubara et al., arXiv 1602.02830, equation 4.
func Sign(x *G.Node) (*G.Node, error) {
	return elementwise("sign", x,
		func(y, x []float32) {
			for i, v := range x {
				y[i] = 1
				if v < 0 {
					y[i] = -1
				}
			}
		},
		func(dx, x, _, dy []float32) {
			for i, v := range x {
				dx[i] = 0
				if v > -1 && v < 1 {
					dx[i] = dy[i]
				}
			}
		})
}

// SiLU is x/(1+exp(-x)) of every element.
func SiLU(x *G.Node) (*G.Node, error) {
	return elementwise("silu", x,
		func(y, x []float32) {
			f32.Sigmoid(y, x)
			f32.Mul(y, y, x)
		},
		func(dx, x, y, dy []float32) {
			f32.Sigmoid(dx, x)
			for i, s := range dx {
				dx[i] = (s + float32(y[i]*(1-s))) * dy[i]
			}
		})
}

// elementwise is y = f(x) with dx = slope(x, y) * dy.
func elementwise(name string, x *G.Node, f func(y, x []float32), gradient func(dx, x, y, dy []float32)) (*G.Node, error) {
	shape := x.Shape().Clone()
	grad := func(inputs G.Nodes, y, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: name + "-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			gradient(dx, v[0], v[1], v[2])
		}}, inputs[0], y, dy)
	}
	return apply(operation{name: name, shape: shape, diff: gradients{grad}, run: func(y []float32, v [][]float32) { f(y, v[0]) }}, x)
}

// Polynomial evaluates a_0 + a_1 x + ... on every element of x [C, ...]. coeffs
// is called at each run and gives one row of coefficients for the whole tensor
// or one a channel; the degree may differ between rows.
func Polynomial(x *G.Node, coeffs func() [][]float32) (*G.Node, error) {
	shape := x.Shape().Clone()
	channels := shape[0]
	// eachRow calls f with each row of coefficients and its elements.
	eachRow := func(f func(c []float32, from, to int)) {
		rows := coeffs()
		if len(rows) != 1 && len(rows) != channels {
			panic("one coefficient row or one a channel wanted")
		}
		per := shape.TotalSize() / len(rows)
		for i, c := range rows {
			f(c, i*per, (i+1)*per)
		}
	}
	grad := func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		var slope []float32
		return apply(operation{name: "polynomial-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			eachRow(func(c []float32, from, to int) {
				x, dy, dx := v[0][from:to], v[1][from:to], dx[from:to]
				if isSquare(c) {
					f32.SquareGrad(dx, x, dy)
					return
				}
				slope = append(slope[:0], 0) // a constant's
				for k := 1; k < len(c); k++ {
					slope = append(slope[:k-1], float32(k)*c[k])
				}
				f32.PolynomialGrad(dx, x, dy, slope)
			})
		}}, inputs[0], dy)
	}
	return apply(operation{name: "polynomial", shape: shape, diff: gradients{grad}, run: func(y []float32, v [][]float32) {
		eachRow(func(c []float32, from, to int) {
			x, y := v[0][from:to], y[from:to]
			if isSquare(c) {
				f32.Square(y, x)
				return
			}
			f32.Polynomial(y, x, c)
		})
	}}, x)
}

func isSquare(c []float32) bool { return len(c) == 3 && c[0] == 0 && c[1] == 0 && c[2] == 1 }
