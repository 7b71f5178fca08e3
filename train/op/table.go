package op

import (
	G "gorgonia.org/gorgonia"

	"qtool/quant"
)

// Table is an activation with its quantizer: what a lookup table holds.
type Table struct {
	// Slope and Offset give the reals z = slope_c x + offset_c, of one element or
	// one a channel.
	Slope, Offset func() []float64
	// Code is the centred code of z, and Activation and Derivative the activation
	// under it.
	Code                   func(c int, x float64) float32
	Activation, Derivative func(z float64) float64
	Quantizer              func() quant.Params
}

// Apply looks up every element of x [C, ..., N]. Its gradient is straight
// through the rounding and 0 where the quantizer clamps:
//
//	dz = dcode * activation'(z) / scale,   dx = slope_c dz
//
// bias, if not nil, is the parameter that Offset returns, each of its elements for
// equally many channels in a row; its gradient is the sum of dz. scale [1], if not nil, is the quantizer's learned scale; its
// gradient is quant.Params.ScaleGradient, relative to the scale.
func (t Table) Apply(name string, x, bias, scale *G.Node) (*G.Node, error) {
	shape := x.Shape().Clone()
	channels := shape[0]
	per := shape.TotalSize() / channels
	// inner calls f with every element's channel, z and gradient dz/dcode.
	inner := func(x []float32, f func(i, c int, slope, z float64)) {
		slope, offset := t.Slope(), t.Offset()
		for i, a := range x {
			c := i / per
			s := slope[c%len(slope)]
			f(i, c, s, s*float64(a)+offset[c%len(offset)])
		}
	}
	surrogate := func(q quant.Params, z float64) float64 {
		if !q.Inside(float32(t.Activation(z))) {
			return 0
		}
		return t.Derivative(z) / float64(q.Scale)
	}
	diff := gradients{func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "table-dx-" + name, shape: shape, run: func(dx []float32, v [][]float32) {
			q := t.Quantizer()
			inner(v[0], func(i, _ int, slope, z float64) { dx[i] = float32(float64(v[1][i]) * surrogate(q, z) * slope) })
		}}, inputs[0], dy)
	}}
	inputs := G.Nodes{x}
	if bias != nil {
		inputs = append(inputs, bias)
		diff = append(diff, func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
			return apply(operation{name: "table-db-" + name, shape: bias.Shape().Clone(), run: func(db []float32, v [][]float32) {
				q, sums := t.Quantizer(), make([]float64, len(db))
				inner(v[0], func(i, c int, _, z float64) { sums[c*len(db)/channels] += float64(v[1][i]) * surrogate(q, z) })
				for c, s := range sums {
					db[c] = float32(s)
				}
			}}, inputs[0], dy)
		})
	}
	if scale != nil {
		inputs = append(inputs, scale)
		diff = append(diff, func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
			values := make([]float32, shape.TotalSize())
			return apply(operation{name: "table-dscale-" + name, shape: scale.Shape().Clone(), run: func(ds []float32, v [][]float32) {
				inner(v[0], func(i, _ int, _, z float64) { values[i] = float32(t.Activation(z)) })
				ds[0] = float32(t.Quantizer().ScaleGradient(values, v[1]))
			}}, inputs[0], dy)
		})
	}
	return apply(operation{name: "table-" + name, shape: shape, diff: diff, run: func(y []float32, v [][]float32) {
		for i, a := range v[0] {
			y[i] = t.Code(i/per, float64(a))
		}
	}}, inputs...)
}
