package qat

import (
	"math"

	G "gorgonia.org/gorgonia"

	"qtool/quant"
	"qtool/train"
	"qtool/train/op"
)

// Table implements train.Quantizer. Of accumulators it is the very table that is
// exported; of normalised reals, which only training's batches have, the same
// activation and codes without slope and offset.
func (z *Quantizer) Table(i int, x, bias *G.Node, normalised bool, s train.Scales) (*G.Node, error) {
	l := z.q.Network.Layers[i]
	scaling := func() quant.Params { return z.scaling[i].Table.Params }
	t := op.Table{
		// An accumulator x of the graph is the integer x * 2^offset.
		Slope: func() []float64 {
			slopes := make([]float64, len(z.scaling[i].Slope))
			for c, v := range z.scaling[i].Slope {
				slopes[c] = math.Ldexp(v, z.offsetIn(i))
			}
			return slopes
		},
		Offset:     func() []float64 { return z.scaling[i].Offset },
		Value:      func(c int, x float64) float32 { return z.scaling[i].TableValue(l, c, math.Ldexp(x, z.offsetIn(i))) },
		Derivative: l.Derivative, Quantizer: scaling,
	}
	if normalised {
		t.Slope = func() []float64 { return []float64{1} }
		t.Offset = func() []float64 { return []float64{0} }
		t.Value = func(_ int, x float64) float32 { return float32(l.Apply(x)) }
	}
	return t.Apply(l.Name, x, bias, s[l.Name+activationScale])
}

// ShiftUnit implements train.Quantizer.
func (z *Quantizer) ShiftUnit(i int) float32 {
	table := z.q.Network.TableAfter(i)
	if table < 0 || z.scaling[table].Table.Shift == 0 {
		return 0
	}
	return float32(math.Ldexp(1, int(z.scaling[table].Table.Shift)-z.exponents[i+1]))
}

// Real implements train.Quantizer.
func (z *Quantizer) Real(i int) func() (slopes, offsets []float64) {
	return func() ([]float64, []float64) {
		s := &z.scaling[i]
		slopes := make([]float64, len(s.Out))
		for o, v := range s.Out {
			slopes[o] = math.Ldexp(v, z.exponents[i+1])
		}
		return slopes, s.Offset
	}
}
