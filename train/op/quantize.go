package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// Quantizer maps reals to integer codes held as float32, and says what gradient
// passes through, by the straight-through estimator.
//
// Reference: Bengio et al., arXiv 1308.3432; Jacob et al., arXiv 1712.05877.
type Quantizer struct {
	// Codes writes the codes of x to dst.
	Codes func(dst, x []float32)
	// Grad writes dx = dcode * (d code / d x), with 1/scale for the latter inside
	// the grid and 0 where x was clamped. nil means that no gradient is wanted.
	Grad func(dx, x, dcode []float32)
	// Scale, if not nil, is the learned scales' node, and ScaleGradient writes
	// their gradient, relative to each scale, from the codes' gradient.
	Scale         *G.Node
	ScaleGradient func(dst, x, dcode []float32)
}

// FakeQuantize applies q to every element of x. Multiplied by its scale the
// result is the fake-quantized tensor; carrying the bare integers keeps float32
// arithmetic on them exact. q is read at each run, so that its scales may follow
// the weights.
func FakeQuantize(name string, x *G.Node, q Quantizer) (*G.Node, error) {
	shape := x.Shape().Clone()
	o := operation{name: "fake-quantize-" + name, shape: shape, run: func(y []float32, v [][]float32) { q.Codes(y, v[0]) }}
	if q.Grad != nil {
		o.diff = gradients{func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
			run := func(dx []float32, v [][]float32) { q.Grad(dx, v[0], v[1]) }
			return apply(operation{name: "fake-quantize-" + name + "-dx", shape: shape, run: run}, inputs[0], dy)
		}}
	}
	if q.Scale == nil {
		return apply(o, x)
	}
	if o.diff == nil {
		o.diff = gradients{nil}
	}
	o.diff = append(o.diff, func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		run := func(ds []float32, v [][]float32) { q.ScaleGradient(ds, v[0], v[1]) }
		return apply(operation{name: "fake-quantize-" + name + "-dscale", shape: q.Scale.Shape().Clone(), run: run}, inputs[0], dy)
	})
	return apply(o, x, q.Scale)
}

// RoundTo rounds every element to a multiple of unit, half to even, and passes
// gradients straight through.
func RoundTo(x *G.Node, unit float32) (*G.Node, error) {
	return FakeQuantize("round", x, Quantizer{
		Codes: func(dst, x []float32) {
			for i, v := range x {
				dst[i] = unit * float32(math.RoundToEven(float64(v/unit)))
			}
		},
		Grad: func(dx, _, dcode []float32) { copy(dx, dcode) },
	})
}

// Scale multiplies x [C, N] by one factor or one a channel; factors is read at
// each run.
func Scale(x *G.Node, factors func() []float64) (*G.Node, error) {
	shape := x.Shape().Clone()
	n := shape[1]
	multiply := func(name string, x *G.Node, diff gradients) (*G.Node, error) {
		return apply(operation{name: name, shape: shape, diff: diff, run: func(y []float32, v [][]float32) {
			f := factors()
			for i, a := range v[0] {
				y[i] = float32(float64(a) * f[i/n%len(f)])
			}
		}}, x)
	}
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) { return multiply("scale-dx", dy, nil) }
	return multiply("scale", x, gradients{grad})
}
