// Package qat puts fake quantization into the training graph.
//
// A quantized tensor travels through the graph as its integers, held in
// float32: convolutions, squares and pools of them are then integer arithmetic,
// exact while every partial sum stays below 2^24, and the very integers that
// the exported program computes. Only the logits are multiplied by their scale.
// Gradients pass the rounding straight through.
package qat

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"qtool/model"
	"qtool/train"
	"qtool/train/op"
)

// Quantizer implements train.Quantizer for a quantized network.
type Quantizer struct {
	q       *model.Quantized
	observe model.Observer // nil: the scales stay as they are
	scaling []model.LayerScaling
	coeffs  [][][]float32
	folds   [][]float32 // of every layer: a factor an input, nil for all 1
}

var _ train.Quantizer = (*Quantizer)(nil)

// New fake-quantizes q with its own fixed scales.
func New(q *model.Quantized) (*Quantizer, error) { return newQuantizer(q, nil) }

// Observing fake-quantizes q and lets the weights' scales follow the weights.
func Observing(q *model.Quantized, observe model.Observer) (*Quantizer, error) {
	return newQuantizer(q, observe)
}

func newQuantizer(q *model.Quantized, observe model.Observer) (*Quantizer, error) {
	layers := len(q.Network.Layers)
	z := &Quantizer{q: q, observe: observe, coeffs: make([][][]float32, layers), folds: make([][]float32, layers)}
	return z, z.Refresh(q.Params)
}

// Refresh implements train.Quantizer.
func (z *Quantizer) Refresh(p model.Parameters) error {
	z.q.Params = p
	var err error
	if z.observe != nil {
		z.scaling, err = z.q.Calibrate(z.observe)
	} else {
		z.scaling, err = z.q.Scaling()
	}
	if err != nil {
		return err
	}
	for i := range z.scaling {
		rows := make([][]float32, len(z.scaling[i].Coeffs))
		for c, row := range z.scaling[i].Coeffs {
			for _, a := range row {
				rows[c] = append(rows[c], float32(a))
			}
		}
		z.coeffs[i] = rows
		z.refreshFold(i)
	}
	return nil
}

// Quantized is the network with its scales as last refreshed.
func (z *Quantizer) Quantized() *model.Quantized { return z.q }

// Input implements train.Quantizer.
func (z *Quantizer) Input(x *G.Node) (*G.Node, error) {
	return op.FakeQuantize("input", x, op.Quantizer{Codes: grid(z.q.Input).Quantize})
}

// Weights implements train.Quantizer.
func (z *Quantizer) Weights(i int, w, b *G.Node) (*G.Node, *G.Node, error) {
	name := z.q.Network.Layers[i].Name
	w, err := op.FakeQuantize(name+".weight", w, z.weights(i, w.Shape()[0]))
	if err != nil {
		return nil, nil, fmt.Errorf("qat: layer %q: %w", name, err)
	}
	b, err = op.FakeQuantize(name+".bias", b, op.Quantizer{
		Codes: func(dst, x []float32) { z.scaling[i].BiasCodes(dst, x) },
		Grad: func(dx, _, dy []float32) {
			out := z.scaling[i].Out
			for o, g := range dy {
				dx[o] = float32(1/out[o%len(out)]) * g
			}
		},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("qat: layer %q: %w", name, err)
	}
	return w, b, nil
}

// Coefficients implements train.Quantizer.
func (z *Quantizer) Coefficients(i int) func() [][]float32 {
	return func() [][]float32 { return z.coeffs[i] }
}

// PoolFactor implements train.Quantizer: integers are summed, the divisor is in
// the scale.
func (z *Quantizer) PoolFactor(int) float32 { return 1 }

// Logits implements train.Quantizer.
func (z *Quantizer) Logits(x *G.Node) (*G.Node, error) {
	last := len(z.scaling) - 1
	return op.Scale(x, func() []float64 { return z.scaling[last].Out })
}
