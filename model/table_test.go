package model

import (
	"math"
	"testing"
)

// The central difference is off by step^2/6 times a third derivative below 2.
func TestDerivative(t *testing.T) {
	const step = 1e-4
	for _, kind := range []Kind{Tanh, Sigmoid, ReLU, SiLU} {
		l := Layer{Type: kind}
		for x := -6.05; x < 6.1; x += 0.1 {
			want := (l.Apply(x+step) - l.Apply(x-step)) / (2 * step)
			if got := l.Derivative(x, l.Apply(x)); math.Abs(got-want) > 1e-8 {
				t.Errorf("%s'(%v) is %v, central difference %v", kind, x, got, want)
			}
		}
	}
}

// A polynomial is never a table, whatever it approximates and before it is fitted.
func TestLookupTable(t *testing.T) {
	for _, kind := range []Kind{Tanh, Sigmoid, ReLU, SiLU, Sign} {
		if !(Layer{Type: kind}).LookupTable() {
			t.Errorf("%s is no lookup-table activation", kind)
		}
	}
	for _, l := range []Layer{
		{Type: Square}, {Type: Flatten}, {Type: BatchNorm}, {Type: Dense},
		{Type: Polynomial, Coefficients: []float64{0, 1}},
		{Type: Polynomial, Approximates: Sigmoid, Degree: 3, Method: "minimax", Percentile: 99},
	} {
		if l.LookupTable() {
			t.Errorf("%+v is a lookup-table activation", l)
		}
	}
}
