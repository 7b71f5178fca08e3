package calibrate

import (
	"reflect"
	"strings"
	"testing"

	"qtool/approx"
	"qtool/model"
)

func approximating(change func(*model.Layer)) *model.Network {
	l := model.Layer{
		Type: model.Polynomial, Name: "act", Approximates: model.Sigmoid, Degree: 3, Method: "minimax", Interval: []float64{-4, 4},
	}
	if change != nil {
		change(&l)
	}
	return &model.Network{Input: []int{4}, Layers: []model.Layer{l, {Type: model.Dense, Name: "fc", Units: 2}}}
}

func TestPolynomials(t *testing.T) {
	n := approximating(nil)
	got, err := Polynomials(n)
	if err != nil {
		t.Fatal(err)
	}
	want, err := approx.Fit("sigmoid", approx.Minimax, 3, approx.Interval{Lo: -4, Hi: 4})
	if err != nil {
		t.Fatal(err)
	}
	if a := got.Layers[0].Coefficients; !reflect.DeepEqual(a, want.Coefficients) || a[0] != 0.5 || a[2] != 0 {
		t.Errorf("coefficients %v, want %v", a, want.Coefficients)
	}
	if n.Layers[0].Coefficients != nil {
		t.Error("the given network changed")
	}
	if _, err := got.Shapes(); err != nil {
		t.Error(err)
	}
	// A measured interval comes later.
	for _, method := range []string{"minimax", "histogram"} {
		n = approximating(func(l *model.Layer) { l.Interval, l.Percentile, l.Method = nil, 99, method })
		if got, err = Polynomials(n); err != nil || !reflect.DeepEqual(got, n) {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := got.Shapes(); err != nil {
			t.Error(err)
		}
	}
}

func TestPolynomialsErrors(t *testing.T) {
	many := &model.Network{Layers: make([]model.Layer, model.MaxLayers+1)}
	if _, err := Polynomials(many); err == nil || !strings.Contains(err.Error(), "257 layers pass the limit of 256") {
		t.Errorf("error %v", err)
	}
	for _, c := range []struct {
		change func(*model.Layer)
		want   string
	}{
		{func(l *model.Layer) { l.Coefficients = []float64{0, 1} }, "coefficients follow from approximates sigmoid"},
		{func(l *model.Layer) { l.Percentile = 99 }, "want either interval or percentile"},
		{func(l *model.Layer) { l.Interval = nil }, "want either interval or percentile"},
		{func(l *model.Layer) { l.Interval = []float64{1} }, "want either interval or percentile"},
		{func(l *model.Layer) { l.Interval = []float64{4, -4} }, "interval [4, -4]: its width -8 is below"},
		{func(l *model.Layer) { l.Degree = 4 }, "degree 4: the minimax fit of sigmoid on [-4, 4] has no term above degree 3: take that degree"},
		{func(l *model.Layer) { l.Degree = 0 }, "degree 0 is outside 1..15"},
		{func(l *model.Layer) { l.Approximates = "swish" }, `function "swish" is unknown`},
		{func(l *model.Layer) { l.Method = "pade" }, `method "pade" is unknown`},
		{func(l *model.Layer) { l.Method = "histogram" }, "method histogram needs percentile"},
		{func(l *model.Layer) { l.Method, l.Interval, l.Percentile = "pade", nil, 99 }, `method "pade" is unknown`},
		{func(l *model.Layer) { l.Approximates, l.Method, l.Interval, l.Percentile = "relu", "taylor", nil, 99 }, "relu has no Taylor polynomial"},
	} {
		n, err := Polynomials(approximating(c.change))
		if err == nil || !strings.HasPrefix(err.Error(), `calibrate: layer "act": `) || !strings.Contains(err.Error(), c.want) || n != nil {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
