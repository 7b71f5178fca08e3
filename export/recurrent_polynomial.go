package export

import (
	"math"
	"math/big"

	"qtool/bundle"
)

// coefficientBits are those behind the point of a polynomial's coefficients.
const coefficientBits = 24

// polynomials is the cell whose gates are polynomials: fixed-point numbers with F =
// Fraction bits behind the point, brought back to it by a Shift behind each
// product.
func (b *body) polynomials(p *bundle.Program) error {
	units, bits, f := b.Layer.Units, b.Weights.Bits, b.Quantizer.Fraction
	one := []float64{math.Ldexp(1, -f)}
	limit := int64(math.Floor(math.Ldexp(b.Layer.Gates.Radius, f)))
	w, u := make([]float32, b.Rows()*b.Size), make([]float32, b.Rows()*units)
	b.Codes(w, u)
	// Weights have a scale of 2^-weight, inputs of 2^-input.
	weight, input := -exponent(b.Weights.Scales[0]), -exponent(b.Input.Scale)
	accumulator := math.Ldexp(1, -f-weight)
	bias, theta := b.Bias, b.Theta
	row := b.Layer.Gates.Degree + 1
	for k, g := range gates {
		from, to := k*units, (k+1)*units
		x := b.dense(b.zero, w[from*b.Size:to*b.Size])
		h := b.dense(0, u[from*units:to*units])
		for j := range units {
			h.Bias.Small[j] = int64(math.RoundToEven(float64(bias[from+j]) / accumulator))
		}
		b.add("x"+g, x, []float64{math.Ldexp(1, -weight-input)}, bits, bundle.SequenceName)
		b.add("h"+g, h, []float64{accumulator}, bits, "h")
		b.add("a"+g, &bundle.Add{Weights: []int32{1 << (f - input), 1}}, []float64{accumulator}, 0, "x"+g, "h"+g)
		b.add("s"+g, &bundle.Shift{Bits: uint8(weight)}, one, 0, "a"+g)
		b.add("z"+g, &bundle.Domain{Lo: -limit, Hi: limit}, one, 0, "s"+g)
		b.polynomial(g, "z"+g, theta[k*row:(k+1)*row])
	}
	square := []float64{math.Ldexp(1, -2*f)}
	b.add("ig", &bundle.Mul{}, square, 0, "i", "g")
	b.add("fc", &bundle.Mul{}, square, 0, "f", "c")
	b.add("sum", &bundle.Add{Weights: []int32{1, 1}}, square, 0, "ig", "fc")
	b.add("sc", &bundle.Shift{Bits: uint8(f)}, one, 0, "sum")
	b.add("c1", &bundle.Domain{Lo: -limit, Hi: limit}, one, 0, "sc")
	output := "c1"
	if !b.Layer.Gates.LinearOutput {
		output = "v"
		b.polynomial("v", "c1", theta[4*row:])
	}
	b.add("ov", &bundle.Mul{}, square, 0, "o", output)
	b.add("h1", &bundle.Shift{Bits: uint8(f)}, one, 0, "ov")
	// h' has the range that the domains leave it, whatever h was: a wide one first.
	b.state("h", 1<<(f+16), one[0], "h1")
	b.state("c", limit, one[0], "c1")
	bounds, err := b.r.TensorBounds(p.Input.Bounds(), p.Input.Shape)
	if err != nil {
		return err
	}
	last := bounds[len(bounds)-1].Range().MaxAbs()
	b.r.States[0].Range = bundle.Range{Lo: new(big.Int).Neg(last), Hi: last}
	return nil
}

// exponent of a power of two.
func exponent(s float32) int {
	_, e := math.Frexp(float64(s))
	return e - 1
}

// polynomial adds sum_j theta_j (z/R)^j of the tensor from: every term in units of
// 2^-(degree F + coefficientBits), then shifted.
func (b *body) polynomial(name, from string, theta []float32) {
	g, f := b.Layer.Gates, b.Quantizer.Fraction
	degree := len(theta) - 1
	all := make([]*big.Int, len(theta))
	power := 1.0
	for j, c := range theta {
		code := int64(math.RoundToEven(math.Ldexp(float64(c)/power, coefficientBits)))
		all[j] = new(big.Int).Lsh(big.NewInt(code), uint((degree-j)*f))
		power *= g.Radius
	}
	shift := (degree-1)*f + coefficientBits
	b.add("p"+name, &bundle.Polynomial{Coeffs: []bundle.Vec{bundle.NewVec(all)}}, []float64{math.Ldexp(1, -degree*f-coefficientBits)}, 0, from)
	b.add(name, &bundle.Shift{Bits: uint8(shift)}, []float64{math.Ldexp(1, -f)}, 0, "p"+name)
}
