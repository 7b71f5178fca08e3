package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// Tanh is the hyperbolic tangent of every element.
func Tanh(x *G.Node) (*G.Node, error) {
	return elementwise("tanh", x,
		func(x float32) float32 { return float32(math.Tanh(float64(x))) },
		func(_, y float32) float32 { return 1 - y*y })
}

// Sigmoid is 1/(1+exp(-x)) of every element.
func Sigmoid(x *G.Node) (*G.Node, error) {
	return elementwise("sigmoid", x,
		func(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) },
		func(_, y float32) float32 { return y * (1 - y) })
}

// ReLU is max(x, 0) of every element; its gradient at 0 is 0.
func ReLU(x *G.Node) (*G.Node, error) {
	return elementwise("relu", x,
		func(x float32) float32 { return max(x, 0) },
		func(x, _ float32) float32 {
			if x > 0 {
				return 1
			}
			return 0
		})
}

// SiLU is x/(1+exp(-x)) of every element.
func SiLU(x *G.Node) (*G.Node, error) {
	sigmoid := func(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }
	return elementwise("silu", x,
		func(x float32) float32 { return x * sigmoid(x) },
		func(x, y float32) float32 {
			s := sigmoid(x)
			return s + y*(1-s)
		})
}

// elementwise is y = f(x) with dx = dy * slope(x, y).
func elementwise(name string, x *G.Node, f func(x float32) float32, slope func(x, y float32) float32) (*G.Node, error) {
	shape := x.Shape().Clone()
	grad := func(inputs G.Nodes, y, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: name + "-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			x, y, dy := v[0], v[1], v[2]
			for i, g := range dy {
				dx[i] = g * slope(x[i], y[i])
			}
		}}, inputs[0], y, dy)
	}
	return apply(operation{name: name, shape: shape, diff: gradients{grad}, run: func(y []float32, v [][]float32) {
		for i, a := range v[0] {
			y[i] = f(a)
		}
	}}, x)
}

// Polynomial evaluates a_0 + a_1 x + ... on every element of x [N, C, ...].
// coeffs is called at each run and gives one row of coefficients for the whole
// tensor or one a channel; the degree may differ between rows.
func Polynomial(x *G.Node, coeffs func() [][]float32) (*G.Node, error) {
	shape := x.Shape().Clone()
	n, channels := shape[0], shape[1]
	per := shape.TotalSize() / (n * channels)
	// eachChannel calls f with each channel's coefficients and element range.
	eachChannel := func(f func(c []float32, from, to int)) {
		rows := coeffs()
		if len(rows) != 1 && len(rows) != channels {
			panic("one coefficient row or one a channel wanted")
		}
		for i := range n * channels {
			f(rows[i%channels%len(rows)], i*per, (i+1)*per)
		}
	}
	grad := func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "polynomial-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			eachChannel(func(c []float32, from, to int) {
				x, dy, dx := v[0][from:to], v[1][from:to], dx[from:to]
				if isSquare(c) {
					for i, a := range x {
						dx[i] = 2 * a * dy[i]
					}
					return
				}
				for i, a := range x {
					s := float32(0)
					for k := len(c) - 1; k >= 1; k-- {
						s = s*a + float32(k)*c[k]
					}
					dx[i] = s * dy[i]
				}
			})
		}}, inputs[0], dy)
	}
	return apply(operation{name: "polynomial", shape: shape, diff: gradients{grad}, run: func(y []float32, v [][]float32) {
		eachChannel(func(c []float32, from, to int) {
			x, y := v[0][from:to], y[from:to]
			if isSquare(c) {
				for i, a := range x {
					y[i] = a * a
				}
				return
			}
			for i, a := range x {
				s := c[len(c)-1]
				for k := len(c) - 2; k >= 0; k-- {
					s = s*a + c[k]
				}
				y[i] = s
			}
		})
	}}, x)
}

func isSquare(c []float32) bool { return len(c) == 3 && c[0] == 0 && c[1] == 0 && c[2] == 1 }
