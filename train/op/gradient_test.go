package op

import (
	"fmt"
	"testing"

	G "gorgonia.org/gorgonia"
)

// Linear operations on multiples of 1/16 are exact in float32, and so is their
// central difference: no tolerance.

func TestConvGradient(t *testing.T) {
	for _, c := range []struct{ n, in, out, h, w, k, stride, padding int }{
		{2, 2, 3, 5, 5, 3, 1, 0},
		{2, 2, 2, 5, 4, 3, 1, 1},
		{1, 2, 2, 4, 5, 3, 1, 2},
		{2, 1, 2, 7, 6, 3, 2, 0},
		{1, 2, 2, 6, 7, 3, 2, 1},
		{1, 1, 2, 6, 6, 5, 2, 2},
		{1, 2, 1, 4, 4, 4, 1, 0}, // kernel = input
		{1, 2, 1, 3, 3, 5, 1, 1}, // kernel > input: padding makes it fit
		{2, 1, 1, 7, 7, 2, 3, 0}, // stride > kernel
		{1, 1, 1, 6, 6, 2, 5, 1}, // the last column is padding alone
		{1, 3, 2, 3, 3, 1, 1, 0},
		{1, 1, 1, 1, 1, 1, 1, 0},
		{1, 1, 1, 1, 1, 5, 2, 2}, // taps that never meet the image
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := newRand()
			in := []array{sixteenths(r, c.in, c.h, c.w, c.n), sixteenths(r, c.out, c.in, c.k, c.k), sixteenths(r, c.out)}
			conv := func(inputGrad bool) builder {
				return func(v []*G.Node) (*G.Node, error) {
					return Conv2D(v[0], v[1], v[2], Square(c.k, c.stride, c.padding), inputGrad)
				}
			}
			h := newHarness(t, conv(true), in, 0, 1, 2)
			h.check(1.0/16, 0)
			// Without the input's gradient the others stay what they are.
			first := newHarness(t, conv(false), in, 1, 2)
			for _, i := range []int{1, 2} {
				wantExactly(t, "gradient", first.gradient(i), wide(h.gradient(i)))
			}
		})
	}
}

func wide(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func TestDenseGradient(t *testing.T) {
	for _, c := range []struct{ n, in, out int }{{3, 5, 4}, {1, 1, 1}, {1, 17, 2}, {4, 2, 9}} {
		r := newRand()
		in := []array{sixteenths(r, c.in, c.n), sixteenths(r, c.out, c.in), sixteenths(r, c.out)}
		dense := func(inputGrad bool) builder {
			return func(v []*G.Node) (*G.Node, error) { return Dense(v[0], v[1], v[2], inputGrad) }
		}
		h := newHarness(t, dense(true), in, 0, 1, 2)
		h.check(1.0/16, 0)
		first := newHarness(t, dense(false), in, 1, 2)
		for _, i := range []int{1, 2} {
			wantExactly(t, "gradient", first.gradient(i), wide(h.gradient(i)))
		}
	}
}

func TestPoolGradient(t *testing.T) {
	for _, c := range []struct {
		h, w, k, stride int
		factor          float32
	}{
		{4, 6, 2, 2, 0.25},
		{5, 5, 2, 2, 0.25}, // the last row and column take no part
		{5, 4, 3, 1, 1},    // overlapping
		{5, 5, 2, 1, 0.25},
		{7, 7, 2, 3, 1}, // stride > kernel
		{3, 3, 3, 3, 1}, // kernel = input
		{3, 2, 1, 1, 1},
	} {
		in := sixteenths(newRand(), 2, c.h, c.w, 2)
		newHarness(t, func(v []*G.Node) (*G.Node, error) { return Pool(v[0], Square(c.k, c.stride, 0), c.factor) }, []array{in}, 0).check(1.0/16, 0)
	}
}

func TestFlattenGradient(t *testing.T) {
	in := sixteenths(newRand(), 3, 2, 2, 2)
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Flatten(v[0]) }, []array{in}, 0)
	wantExactly(t, "flattened", h.output(), wide(in.Data))
	if s := h.out.Shape(); len(s) != 2 || s[0] != 12 || s[1] != 2 {
		t.Errorf("shape %v, want (12, 2)", s)
	}
	h.check(1.0/16, 0)
}

func TestScaleGradient(t *testing.T) {
	for _, factors := range [][]float64{{0.5}, {0.5, -2, 1, 0.25}} {
		in := sixteenths(newRand(), 4, 3)
		h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
			return Scale(v[0], func() []float64 { return factors })
		}, []array{in}, 0)
		for i, y := range h.output() {
			if want := float64(in.Data[i]) * factors[i/3%len(factors)]; float64(y) != want {
				t.Errorf("element %d is %v, want %v", i, y, want)
			}
		}
		h.check(1.0/16, 0)
	}
}

// The central difference of a quadratic is exact too. Of a cubic a x^3 it is off
// by a step^2, and the rounding of |y| < 2^5 by 2^-20/step.
func TestPolynomialGradient(t *testing.T) {
	const step = 1.0 / 64
	for _, c := range []struct {
		rows      [][]float32
		tolerance float64
	}{
		{[][]float32{{0, 0, 1}}, 0},
		{[][]float32{{0.5, -1}}, 0},
		{[][]float32{{0.5, -1, 2}}, 0},
		{[][]float32{{1, 2, -0.5}, {0, 0, 1}, {3, 1}}, 0}, // a degree a channel
		{[][]float32{{1, 0.5, 0, 0.25}}, 1.5*0.25*step*step + 0x1p-20/step},
	} {
		for _, shape := range [][]int{{3, 2}, {3, 2, 2, 2}} {
			in := sixteenths(newRand(), shape...)
			h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
				return Polynomial(v[0], func() [][]float32 { return c.rows })
			}, []array{in}, 0)
			per := len(in.Data) / 3
			for i, y := range h.output() {
				row, want := c.rows[i/per%len(c.rows)], 0.0
				for k := len(row) - 1; k >= 0; k-- {
					want = want*float64(in.Data[i]) + float64(row[k])
				}
				if float64(y) != want { // dyadic and short: exact
					t.Errorf("polynomial %v at %v is %v, want %v", row, in.Data[i], y, want)
				}
			}
			h.check(step, c.tolerance)
		}
	}
}

// |f”'| <= 2 for tanh, less for the sigmoid and silu: the central difference is off by
// step^2/3, the rounding of |y| < 2 by 2^-24/step; both times |upstream| <= 1.5.
// Three float32 operations of the gradient add less than 2^-21.
func TestActivationGradient(t *testing.T) {
	const step, tolerance = 1.0 / 128, 1.5*(1.0/(3*128*128)+128*0x1p-24) + 0x1p-21
	for name, f := range map[string]func(*G.Node) (*G.Node, error){"tanh": Tanh, "sigmoid": Sigmoid, "silu": SiLU} {
		t.Run(name, func(t *testing.T) {
			in := sixteenths(newRand(), 2, 3, 2, 2)
			newHarness(t, func(v []*G.Node) (*G.Node, error) { return f(v[0]) }, []array{in}, 0).check(step, tolerance)
		})
	}
	t.Run("relu", func(t *testing.T) {
		in := sixteenths(newRand(), 2, 3, 2, 2)
		for i := range in.Data {
			in.Data[i] += 1.0 / 32 // off the kink
		}
		newHarness(t, func(v []*G.Node) (*G.Node, error) { return ReLU(v[0]) }, []array{in}, 0).check(step, 0)
	})
}
