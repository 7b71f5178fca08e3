package model

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func free() Layer {
	return Layer{Type: Polynomial, Name: "act", Coefficients: []float64{0.5, 0.25, 0, -0.0625}, Interval: []float64{-2, 4}, Trainable: true}
}

func withPolynomial(l Layer) *Network {
	return &Network{Input: []int{3}, Layers: []Layer{
		{Type: Dense, Name: "fc1", Units: 3}, l, {Type: Dense, Name: "fc2", Units: 2},
	}}
}

// The parameters are theta_k = a_k R^k with R = 4, and start at the layer's own
// coefficients; weights are drawn as without them.
func TestTrainablePolynomial(t *testing.T) {
	n := withPolynomial(free())
	p, err := n.Initialise(3)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(n); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Coefficients("act"), []float32{0.5, 1, 0, -4}; !slices.Equal(got, want) {
		t.Errorf("parameters %v, want %v", got, want)
	}
	fixed := free()
	fixed.Trainable = false
	without, err := withPolynomial(fixed).Initialise(3)
	if err != nil {
		t.Fatal(err)
	}
	if len(p) != 5 || !reflect.DeepEqual(slices.Delete(p.Clone(), 2, 3), without) {
		t.Error("a trainable polynomial changes the weights that are drawn")
	}
	// What is computed follows the parameters, not the layer.
	p[2].Data[1] = 2
	outs := run(t, n, p, 0.5, 0.25, 1)
	for k, x := range outs[0] {
		if want := 0.5 + 0.5*x - 0.0625*x*x*x; math.Abs(outs[1][k]-want) > 1e-15 {
			t.Errorf("%v of %v, want %v", outs[1][k], x, want)
		}
	}
	q := &Quantized{Network: n, Params: p}
	q.Input.Scale, q.Input.Bits = 1, 4
	q.Weights = []WeightQuantizer{{Layer: "fc1", Bits: 4, Scales: []float32{0.5}}, {Layer: "fc2", Bits: 4, Scales: []float32{0.5}}}
	s, err := q.Scaling()
	if err != nil {
		t.Fatal(err)
	}
	// s = 1/2: B_k = a_k/(a_3 s^(3-k)), 0.5/(-1/16/8) and 0.5/(-1/16/4).
	if got := s[1].Coeffs[0]; !slices.Equal(got, []float64{-64, -32, 0, 1}) || s[1].Out[0] != -1.0/128 {
		t.Errorf("integer polynomial %v at scale %v", got, s[1].Out)
	}
	if r := (Layer{Type: Polynomial, Coefficients: []float64{1, 1}}).Radius(); r != 1 {
		t.Errorf("radius %v without an interval", r)
	}
	// It goes through a checkpoint.
	b, err := (&Checkpoint{Network: n, Params: p}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := DecodeCheckpoint(b)
	if err != nil || !reflect.DeepEqual(c.Params, p) || !reflect.DeepEqual(c.Network, n) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestUnfittedIsTheFunction(t *testing.T) {
	l := Layer{Type: Polynomial, Name: "act", Approximates: SiLU, Degree: 3, Method: "minimax", Percentile: 99, Trainable: true}
	if _, ok := l.PolynomialCoefficients(); ok || l.Function() != SiLU || l.Apply(2) != 2/(1+math.Exp(-2)) {
		t.Errorf("function %s, %v at 2", l.Function(), l.Apply(2))
	}
	before := withPolynomial(l)
	if got := before.Unfitted(); !reflect.DeepEqual(got, withPolynomial(Layer{Type: SiLU, Name: "act"})) {
		t.Errorf("unfitted %+v", got)
	}
	if n := withPolynomial(free()); !reflect.DeepEqual(n.Unfitted(), n) {
		t.Error("a polynomial with coefficients changes")
	}
	p, err := before.Initialise(1)
	if err != nil || len(p) != 4 {
		t.Fatalf("%d tensors, %v", len(p), err)
	}
	l.Coefficients, l.Interval = []float64{0, 0.5, 0.25, 0.125}, []float64{-1, 2}
	if l.Function() != Polynomial || l.Apply(2) != 3 {
		t.Errorf("function %s, %v at 2", l.Function(), l.Apply(2))
	}
	after := withPolynomial(l)
	q, err := after.Continue(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Coefficients("act"); !slices.Equal(got, []float32{0, 1, 1, 1}) {
		t.Errorf("starting values %v", got)
	}
	if !reflect.DeepEqual(slices.Delete(slices.Clone(q), 2, 3), p) {
		t.Error("the other parameters changed")
	}
	if _, err := before.Continue(q); err == nil || !strings.Contains(err.Error(), "4 of 5 parameter tensors") {
		t.Errorf("error %v", err)
	}
	if _, err := after.Continue(p[1:]); err == nil {
		t.Error("a missing weight is accepted")
	}
}

func TestPolynomialErrors(t *testing.T) {
	fitted := Layer{
		Type: Polynomial, Name: "act", Coefficients: []float64{0, 1}, Approximates: Tanh, Degree: 1, Method: "minimax", Interval: []float64{-1, 1},
	}
	if _, err := withPolynomial(fitted).Shapes(); err != nil {
		t.Fatal(err)
	}
	inf := math.Inf(1)
	for _, c := range []struct {
		change func(*Layer)
		want   string
	}{
		{func(l *Layer) { l.Approximates = "" }, "degree, method and percentile need approximates"},
		{func(l *Layer) { l.Degree = 2 }, "2 coefficients on interval [-1 1] for degree 2 of tanh"},
		{func(l *Layer) { l.Degree = 16 }, "degree 16 is outside 1..15"},
		{func(l *Layer) { l.Method = "" }, "approximates tanh: method is missing"},
		{func(l *Layer) { l.Percentile = 50 }, "percentile 50 is outside (50, 100]"},
		{func(l *Layer) { l.Percentile = 101 }, "percentile 101"},
		{func(l *Layer) { l.Interval = nil }, "on interval [] for degree 1"},
		{func(l *Layer) { l.Interval = []float64{1, 1} }, "interval [1 1]: want [lo, hi]"},
		{func(l *Layer) { l.Interval = []float64{1} }, "interval [1]: want [lo, hi]"},
		{func(l *Layer) { l.Interval = []float64{-inf, 1} }, "interval [-Inf 1]"},
		{func(l *Layer) { l.Coefficients = nil }, "an approximation on [-1 1] without its coefficients"},
		{func(l *Layer) { l.Coefficients, l.Interval = nil, nil }, "approximates tanh: want interval or percentile"},
		{func(l *Layer) { l.Coefficients, l.Interval, l.Percentile, l.Approximates = nil, nil, 99, "gelu" }, `approximates "gelu": want tanh, sigmoid, relu or silu`},
		{func(l *Layer) { l.Type = Square; l.Coefficients = nil; l.Approximates = "" }, `key "degree" does not belong to this type`},
		{func(l *Layer) { *l = Layer{Type: Tanh, Name: "act", Trainable: true} }, `key "trainable" does not belong`},
		{func(l *Layer) { *l = Layer{Type: SiLU, Name: "act", Interval: []float64{-1, 1}} }, `key "interval" does not belong`},
	} {
		l := fitted
		c.change(&l)
		if _, err := withPolynomial(l).Shapes(); err == nil || !strings.HasPrefix(err.Error(), `model: layer "act"`) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
