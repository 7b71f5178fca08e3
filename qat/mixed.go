package qat

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"qtool/internal/elementary"
	"qtool/model"
	"qtool/train"
	"qtool/train/op"
)

// InputName is the input's name among tensors: no layer may have it.
const InputName = "input"

// Mixed fake-quantizes some tensors of q and leaves the others real, to tell
// what each costs. It is for evaluation: there are no gradients.
//
// on says which: InputName, a weighted layer (its weights and biases), a lookup-table
// activation (its outputs), or a polynomial with rounded coefficients. The graph
// carries every tensor in units of its scale in q, as New does, and the tensors
// that are on have the very codes of New. Those that are off are divided by
// their scale as well but neither rounded nor clamped:
//
//	input x/s,  weight w Fold/scale_o,  bias b/Out_o,
//	activation a(Slope n + Offset)/s,  coefficient a_k/(a_d s^(d-k))
//
// So with all on it is New(q), operation for operation, and with none the float
// network, as far as float32 rounds the same. float are the parameters of layers
// that are off; they are q's own where q's parameters are what was rounded.
func Mixed(q *model.Quantized, float model.Parameters, on func(name string) bool) (train.Quantizer, error) {
	if err := float.Check(q.Network); err != nil {
		return nil, err
	}
	z, err := New(q)
	if err != nil {
		return nil, err
	}
	return &mixed{Quantizer: z, float: float, on: on}, nil
}

type mixed struct {
	*Quantizer
	float model.Parameters
	on    func(name string) bool
}

// Input implements train.Quantizer.
func (m *mixed) Input(x *G.Node, s train.Scales) (*G.Node, error) {
	if m.on(InputName) {
		return m.Quantizer.Input(x, s)
	}
	return op.FakeQuantize("input", x, op.Quantizer{Codes: func(dst, x []float32) {
		for i, v := range x {
			dst[i] = v / m.q.Input.Scale
		}
	}})
}

// Weights implements train.Quantizer. A layer that is off computes with its float
// weights, in units of its integers. Where it leaves its bias to a table, the table adds
// the quantized network's bias, so that this layer adds the float bias less that one.
func (m *mixed) Weights(i int, w, b *G.Node, s train.Scales) (*G.Node, *G.Node, error) {
	l := m.q.Network.Layers[i]
	if m.on(l.Name) {
		return m.Quantizer.Weights(i, w, b, s)
	}
	weight, bias := m.float.Of(l.Name)
	scaling, outputs := &m.scaling[i], len(bias)
	reals := scaling.FoldedWeights(weight, outputs)
	scales := m.weightScales(l.Name)
	factor := math.Ldexp(1, m.offsetIn(i)-m.exponents[i+1])
	row := len(reals) / outputs
	for k, v := range reals {
		reals[k] = float32(factor * float64(v) / float64(scales[k/row%len(scales)]))
		if v := reals[k]; v-v != 0 {
			return nil, nil, fmt.Errorf("qat: layer %q: weight %v is %v in units of its scale", l.Name, weight[k], v)
		}
	}
	_, table := m.q.Params.Of(l.Name)
	offsets := make([]float32, outputs)
	for o, v := range bias {
		v := float64(v)
		if scaling.Deferred {
			v -= float64(table[o])
		}
		offsets[o] = float32(math.Ldexp(v/scaling.Out[o%len(scaling.Out)], -m.exponents[i+1]))
	}
	w, err := op.FakeQuantize(l.Name+".weight", w, op.Quantizer{Codes: func(dst, _ []float32) { copy(dst, reals) }})
	if err != nil {
		return nil, nil, err
	}
	b, err = op.FakeQuantize(l.Name+".bias", b, op.Quantizer{Codes: func(dst, _ []float32) { copy(dst, offsets) }})
	return w, b, err
}

// weightScales are the scales of the layer's quantizer.
func (m *mixed) weightScales(layer string) []float32 {
	for _, w := range m.q.Weights {
		if w.Layer == layer {
			return w.Scales
		}
	}
	panic("qat: layer without a weight quantizer") // Scaling has refused it
}

// Coefficients implements train.Quantizer.
func (m *mixed) Coefficients(i int) func() [][]float32 {
	l := m.q.Network.Layers[i]
	if m.on(l.Name) {
		return m.Quantizer.Coefficients(i)
	}
	a, _ := m.float.Trained(l).PolynomialCoefficients()
	in := m.inScales(i)
	d := len(a) - 1
	rows := make([][]float32, len(in))
	for c, s := range in {
		for k, v := range a {
			unit := a[d] * elementary.Pow(s, float64(d-k))
			rows[c] = append(rows[c], float32(math.Ldexp(v/unit, k*m.offsetIn(i)-m.exponents[i+1])))
		}
	}
	return func() [][]float32 { return rows }
}

// Table implements train.Quantizer.
func (m *mixed) Table(i int, x, bias *G.Node, normalised bool, s train.Scales) (*G.Node, error) {
	l := m.q.Network.Layers[i]
	if m.on(l.Name) {
		return m.Quantizer.Table(i, x, bias, normalised, s)
	}
	t := &m.scaling[i]
	scale := float64(t.Table.Params.Scale)
	channels := x.Shape()[0]
	return op.FakeQuantize(l.Name, x, op.Quantizer{Codes: func(dst, x []float32) {
		for k, v := range x {
			c := k * channels / len(x)
			z := float64(t.Slope[c%len(t.Slope)]*math.Ldexp(float64(v), m.offsetIn(i))) + t.Offset[c%len(t.Offset)]
			dst[k] = float32(l.Apply(z) / scale)
		}
	}})
}
