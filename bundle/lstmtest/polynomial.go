package lstmtest

import (
	"math"
	"math/rand/v2"

	"qtool/bundle"
	"qtool/internal/elementary"
	"qtool/quant"
)

// fraction is the bits behind the point of all values in Polynomial's programs,
// coefficient the bits behind the point of polynomials' coefficients.
const fraction, coefficient = 16, 14

// Variant changes the cell of Polynomial: LinearCell leaves the cell output's
// polynomial out, and Full gives every element its own polynomials, of all four
// coefficients.
type Variant struct{ LinearCell, Full bool }

// Polynomial is a cell whose activations are polynomials of degree 3, on fixed
// point numbers of 16 bits behind the point. Gates are fitted for [-4, 4].
func Polynomial(s Shape, seed uint64, v Variant) *bundle.Program {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &bundle.Program{Input: bundle.Input{Shape: []int{s.Steps, s.Inputs}, Quantizer: quant.Params{Scale: float32(1) / 255, ZeroPoint: 128, Bits: 8}}}
	limit := bundle.NewRange(-8<<fraction, 8<<fraction)
	one := elementary.Exp2(-fraction)
	r := &bundle.Recurrent{Steps: s.Steps, Output: "h", States: []bundle.State{
		{Name: "h", Size: s.Hidden, Scale: []float64{one}, Range: limit, Next: "h1"},
		{Name: "c", Size: s.Hidden, Scale: []float64{one}, Range: limit, Next: "c1"},
	}}
	add := func(name string, op bundle.Op, scale float64, inputs ...string) {
		n := bundle.Node{Name: name, Op: op, Scale: []float64{scale}, Inputs: inputs}
		if _, ok := op.(*bundle.Dense); ok {
			n.Bits = 8
		}
		r.Body = append(r.Body, n)
	}
	weights := func(n int, scale float64) []int32 {
		w := make([]int32, n)
		for i := range w {
			w[i] = int32(max(-127, min(127, math.RoundToEven(64*scale*rng.NormFloat64()))))
		}
		return w
	}
	// fixed is c3 x^3 + c1 x + c0 for numbers with a fraction; the result has
	// 3 fraction + coefficient bits behind the point.
	fixed := func(c0, c1, c3 float64) *bundle.Polynomial {
		at := func(c float64, bits int) int64 {
			return int64(math.RoundToEven(c*elementary.Exp2(coefficient))) << bits
		}
		p := &bundle.Polynomial{}
		rows, wobble := 1, func() float64 { return 0 }
		if v.Full {
			rows, wobble = s.Hidden, func() float64 { return 0.03 * (float64(rng.Float64()) - 0.5) }
		}
		for range rows {
			p.Coeffs = append(p.Coeffs, bundle.Vec{Small: []int64{
				at(c0+wobble(), 3*fraction), at(c1+wobble(), 2*fraction), at(wobble()/3, fraction), at(c3*(1+wobble()), 0),
			}})
		}
		return p
	}
	zero := bundle.Vec{Small: make([]int64, s.Hidden)}
	wide := elementary.Exp2(-3*fraction - coefficient)
	// wx has 6 bits behind the point and x 7; wh 6 and h all of fraction.
	for _, g := range gates {
		std := 0.5 / math.Sqrt(float64(s.Inputs+s.Hidden))
		add("x"+g, &bundle.Dense{Units: s.Hidden, Inputs: s.Inputs, Weight: weights(s.Hidden*s.Inputs, std), Bias: zero}, elementary.Exp2(-13), bundle.SequenceName)
		add("h"+g, &bundle.Dense{Units: s.Hidden, Inputs: s.Hidden, Weight: weights(s.Hidden*s.Hidden, std), Bias: zero}, elementary.Exp2(-6-fraction), "h")
		add("a"+g, &bundle.Add{Weights: []int32{1 << (fraction - 7), 1}}, elementary.Exp2(-6-fraction), "x"+g, "h"+g)
		add("s"+g, &bundle.Shift{Bits: 6}, one, "a"+g)
		add("z"+g, &bundle.Domain{Lo: -4 << fraction, Hi: 4 << fraction}, one, "s"+g)
		poly := fixed(0.5, 0.21, -0.0045)
		if g == "g" {
			poly = fixed(0, 0.7, -0.03)
		}
		add("p"+g, poly, wide, "z"+g)
		add(g, &bundle.Shift{Bits: 2*fraction + coefficient}, one, "p"+g)
	}
	add("ig", &bundle.Mul{}, one*one, "i", "g")
	add("fc", &bundle.Mul{}, one*one, "f", "c")
	add("sum", &bundle.Add{Weights: []int32{1, 1}}, one*one, "ig", "fc")
	add("sc", &bundle.Shift{Bits: fraction}, one, "sum")
	add("c1", &bundle.Domain{Lo: -3 << fraction, Hi: 3 << fraction}, one, "sc")
	u := "c1"
	if !v.LinearCell {
		u = "u"
		add("pu", fixed(0, 0.8, -0.04), wide, "c1")
		add("u", &bundle.Shift{Bits: 2*fraction + coefficient}, one, "pu")
	}
	add("ou", &bundle.Mul{}, one*one, "o", u)
	add("h1", &bundle.Shift{Bits: fraction}, one, "ou")
	return finish(p, r, rng)
}
