package f32

import "fmt"

// Every function of this file works on values of the same index alone; dst may
// be one of its inputs. The portable loops at the functions' ends are the twins:
// they do the values that fill no vector, and all where there are none.

type unary func(dst, x *float32, n int)

// over does what fills whole vectors and returns the rest.
func (f unary) over(dst, x []float32) (restDst, restX []float32) {
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		f(&dst[0], &x[0], n)
	}
	return dst[n:], x[n:]
}

type binary func(dst, x, dy *float32, n int)

func (f binary) over(dst, x, dy []float32) (restDst, restX, restDy []float32) {
	n := len(dst) &^ (lanes - 1)
	if n > 0 {
		f(&dst[0], &x[0], &dy[0], n)
	}
	return dst[n:], x[n:], dy[n:]
}

func fits(dst []float32, in ...[]float32) {
	for _, x := range in {
		if len(x) != len(dst) {
			panic(fmt.Sprintf("f32: %d values for %d", len(x), len(dst)))
		}
	}
}

// Add is dst += x.
func Add(dst, x []float32) {
	fits(dst, x)
	if active != nil {
		dst, x = active.add.over(dst, x)
	}
	for i, a := range x {
		dst[i] += a
	}
}

// Mul is dst = x*y.
func Mul(dst, x, y []float32) {
	fits(dst, x, y)
	if active != nil {
		dst, x, y = active.mul.over(dst, x, y)
	}
	for i, a := range x {
		dst[i] = a * y[i]
	}
}

// Square is dst = x*x.
func Square(dst, x []float32) {
	fits(dst, x)
	if active != nil {
		dst, x = active.square.over(dst, x)
	}
	for i, a := range x {
		dst[i] = a * a
	}
}

// SquareGrad is dst = 2*x * dy.
func SquareGrad(dst, x, dy []float32) {
	fits(dst, x, dy)
	if active != nil {
		dst, x, dy = active.squareGrad.over(dst, x, dy)
	}
	for i, a := range x {
		dst[i] = (a + a) * dy[i]
	}
}

// Polynomial is dst = c[0] + c[1]*x + ..., by Horner's scheme: each product is
// rounded, then each sum. c must not be empty.
func Polynomial(dst, x, c []float32) {
	fits(dst, x)
	top := len(c) - 1
	if n := len(dst) &^ (lanes - 1); active != nil && n > 0 {
		active.polynomial(&dst[0], &x[0], n, &c[0], len(c))
		dst, x = dst[n:], x[n:]
	}
	for i, a := range x {
		s := c[top]
		for k := top - 1; k >= 0; k-- {
			s = float32(s*a) + c[k]
		}
		dst[i] = s
	}
}

// PolynomialGrad is dst = (c[0] + c[1]*x + ...) * dy: c are the coefficients of
// the derivative.
func PolynomialGrad(dst, x, dy, c []float32) {
	fits(dst, x, dy)
	top := len(c) - 1
	if n := len(dst) &^ (lanes - 1); active != nil && n > 0 {
		active.polynomialGrad(&dst[0], &x[0], &dy[0], n, &c[0], len(c))
		dst, x, dy = dst[n:], x[n:], dy[n:]
	}
	for i, a := range x {
		s := c[top]
		for k := top - 1; k >= 0; k-- {
			s = float32(s*a) + c[k]
		}
		dst[i] = s * dy[i]
	}
}

// ReLU is dst = max(x, 0), NaN for NaN.
func ReLU(dst, x []float32) {
	fits(dst, x)
	if active != nil {
		dst, x = active.relu.over(dst, x)
	}
	for i, a := range x {
		if a <= 0 {
			a = 0
		}
		dst[i] = a
	}
}

// ReLUGrad is dst = dy where x > 0, 0*dy elsewhere.
func ReLUGrad(dst, x, dy []float32) {
	fits(dst, x, dy)
	if active != nil {
		dst, x, dy = active.reluGrad.over(dst, x, dy)
	}
	for i, a := range x {
		s := float32(0)
		if a > 0 {
			s = 1
		}
		dst[i] = s * dy[i]
	}
}
