package op

import (
	G "gorgonia.org/gorgonia"

	"qtool/quant"
	"qtool/quant/bulk"
)

// Table is an activation with its quantizer: what a lookup table holds.
type Table struct {
	// Slope and Offset give the reals z = slope_c x + offset_c, of one element or
	// one a channel.
	Slope, Offset func() []float64
	// Value is the activation's value for element x of channel c, which Quantizer
	// then turns into its code; Derivative is the activation's at z, with value y.
	Value      func(c int, x float64) float32
	Derivative func(z, y float64) float64
	Quantizer  func() quant.Params
}

// Apply looks up every element of x [C, ..., N]. Its gradient is straight
// through the rounding and 0 where the quantizer clamps:
//
//	dz = dcode * activation'(z) / scale,   dx = slope_c dz
//
// bias, if not nil, is the parameter that Offset returns, each of its elements for
// equally many channels in a row; its gradient is the sum of dz. scale [1], if not
// nil, is the quantizer's learned scale; its gradient is quant.Params.ScaleGradient, relative to the scale.
func (t Table) Apply(name string, x, bias, scale *G.Node) (*G.Node, error) {
	shape := x.Shape().Clone()
	channels := shape[0]
	per := shape.TotalSize() / channels
	values := make([]float32, shape.TotalSize()) // of the last run
	// surrogate calls f with every element's channel, slope and gradient dz.
	surrogate := func(x, dcode []float32, f func(i, c int, slope, dz float64)) {
		slope, offset, q := t.Slope(), t.Offset(), t.Quantizer()
		for i, a := range x {
			c := i / per
			s, dz := slope[c%len(slope)], 0.0
			if q.Inside(values[i]) {
				z := float64(s*float64(a)) + offset[c%len(offset)]
				dz = float64(dcode[i]) * t.Derivative(z, float64(values[i])) / float64(q.Scale)
			}
			f(i, c, s, dz)
		}
	}
	// y is an input of every gradient: it makes them wait for the values.
	diff := gradients{func(inputs G.Nodes, y, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "table-dx-" + name, shape: shape, run: func(dx []float32, v [][]float32) {
			surrogate(v[0], v[2], func(i, _ int, slope, dz float64) { dx[i] = float32(dz * slope) })
		}}, inputs[0], y, dy)
	}}
	inputs := G.Nodes{x}
	if bias != nil {
		inputs = append(inputs, bias)
		diff = append(diff, func(inputs G.Nodes, y, dy *G.Node) (*G.Node, error) {
			return apply(operation{name: "table-db-" + name, shape: bias.Shape().Clone(), run: func(db []float32, v [][]float32) {
				sums := make([]float64, len(db))
				surrogate(v[0], v[2], func(_, c int, _, dz float64) { sums[c*len(db)/channels] += dz })
				for c, s := range sums {
					db[c] = float32(s)
				}
			}}, inputs[0], y, dy)
		})
	}
	if scale != nil {
		inputs = append(inputs, scale)
		diff = append(diff, func(_ G.Nodes, y, dy *G.Node) (*G.Node, error) {
			return apply(operation{name: "table-dscale-" + name, shape: scale.Shape().Clone(), run: func(ds []float32, v [][]float32) {
				ds[0] = float32(bulk.ScaleGradient(t.Quantizer(), values, v[1]))
			}}, y, dy)
		})
	}
	return apply(operation{name: "table-" + name, shape: shape, diff: diff, run: func(y []float32, v [][]float32) {
		for i, a := range v[0] {
			values[i] = t.Value(i/per, float64(a))
		}
		t.Quantizer().Codes(y, values)
	}}, inputs...)
}
