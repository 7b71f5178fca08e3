package approx

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"qtool/internal/elementary"
)

// Function is an activation function that can be approximated.
type Function struct {
	Name    string
	Formula string
	// Eval is the function in float64, good to a few units in the last place.
	Eval func(x float64) float64

	// series is f^(k)(c)/k! for k = 0..d; nil where no derivative exists.
	series func(c float64, d int) []float64
	// kinks are where the function is continuous but not smooth.
	kinks []float64
	// offset and slope leave an odd (parity 1) or even (parity 0) function:
	// f(x) = offset + slope x + g(x).
	offset, slope float64
	parity        int
}

var functions = []Function{
	{Name: "sigmoid", Formula: "1/(1+exp(-x))", Eval: sigmoid, series: sigmoidSeries, offset: 0.5, parity: 1},
	{Name: "tanh", Formula: "tanh(x)", Eval: elementary.Tanh, series: tanhSeries, parity: 1},
	{Name: "relu", Formula: "max(x, 0)", Eval: func(x float64) float64 { return math.Max(x, 0) }, kinks: []float64{0}, slope: 0.5},
	{Name: "silu", Formula: "x/(1+exp(-x))", Eval: func(x float64) float64 { return x * sigmoid(x) }, series: siluSeries, slope: 0.5},
	{Name: "gelu", Formula: "x Phi(x), Phi the normal distribution", Eval: func(x float64) float64 { return x * normal(x) }, series: geluSeries, slope: 0.5},
	{Name: "softplus", Formula: "log(1+exp(x))", Eval: softplus, series: softplusSeries, slope: 0.5},
}

// Names lists the functions.
func Names() []string {
	var names []string
	for _, f := range functions {
		names = append(names, f.Name)
	}
	return names
}

// Lookup finds a function by name.
func Lookup(name string) (*Function, error) {
	i := slices.IndexFunc(functions, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("approx: function %q is unknown: want one of %s", name, strings.Join(Names(), ", "))
	}
	return &functions[i], nil
}

// centred is g(x) = f(x) - offset - slope x, which is odd or even.
func (f *Function) centred(x float64) float64 { return f.Eval(x) - f.offset - float64(f.slope*x) }

func sigmoid(x float64) float64 { return 1 / (1 + elementary.Exp(-x)) }

func normal(x float64) float64 { return 0.5 * elementary.Erfc(-x/math.Sqrt2) }

// softplus is stable for large |x|: max(x, 0) + log(1 + exp(-|x|)).
func softplus(x float64) float64 {
	return math.Max(x, 0) + elementary.Log1p(elementary.Exp(-math.Abs(x)))
}
