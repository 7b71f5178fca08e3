// Package qat puts fake quantization into the training graph.
//
// A quantized tensor travels through the graph as its integers, held in
// float32: convolutions, squares and pools of them are then integer arithmetic,
// exact while every partial sum stays below 2^24, and the very integers that
// the exported program computes. Where they could pass the largest float32 they
// travel divided by a power of two. Only the logits are multiplied by their
// scale.
// Gradients pass the rounding straight through.
package qat

import (
	"fmt"
	"math"

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
	carry   []int // of each layer's tensor, and of the input before them
}

var _ train.Quantizer = (*Quantizer)(nil)

// New fake-quantizes q with its own fixed scales.
func New(q *model.Quantized) (*Quantizer, error) { return newQuantizer(q, nil) }

// Observing fake-quantizes q and lets the weights' scales follow the weights.
func Observing(q *model.Quantized, observe model.Observer) (*Quantizer, error) {
	return newQuantizer(q, observe)
}

func newQuantizer(q *model.Quantized, observe model.Observer) (*Quantizer, error) {
	carry, err := carries(q)
	if err != nil {
		return nil, err
	}
	z := &Quantizer{q: q, observe: observe, carry: carry, coeffs: make([][][]float32, len(q.Network.Layers))}
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
			for k, a := range row {
				rows[c] = append(rows[c], float32(math.Ldexp(a, k*z.carry[i]-z.carry[i+1])))
			}
		}
		z.coeffs[i] = rows
	}
	return nil
}

// Quantized is the network with its scales as last refreshed.
func (z *Quantizer) Quantized() *model.Quantized { return z.q }

// Input implements train.Quantizer.
func (z *Quantizer) Input(x *G.Node) (*G.Node, error) {
	return op.FakeQuantize("input", x, op.Quantizer{Codes: z.q.Input.Codes})
}

// Weights implements train.Quantizer.
func (z *Quantizer) Weights(i int, w, b *G.Node) (*G.Node, *G.Node, error) {
	name := z.q.Network.Layers[i].Name
	outputs := w.Shape()[0]
	factor := float32(math.Ldexp(1, z.carry[i]-z.carry[i+1])) // of the weights
	w, err := op.FakeQuantize(name+".weight", w, op.Quantizer{
		Codes: func(dst, x []float32) {
			z.scaling[i].WeightCodes(dst, x, outputs)
			multiply(dst, factor)
		},
		Slopes: func(dst, x []float32) {
			z.scaling[i].WeightSlopes(dst, x, outputs)
			multiply(dst, factor)
		},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("qat: layer %q: %w", name, err)
	}
	b, err = op.FakeQuantize(name+".bias", b, op.Quantizer{
		Codes: func(dst, x []float32) {
			codes := make([]float64, len(x))
			z.scaling[i].BiasCodes(codes, x)
			for o, c := range codes {
				dst[o] = float32(math.Ldexp(c, -z.carry[i+1]))
			}
		},
		Slopes: func(dst, _ []float32) {
			out := z.scaling[i].Out
			for o := range dst {
				dst[o] = float32(math.Ldexp(1/out[o%len(out)], -z.carry[i+1]))
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
	return op.Scale(x, func() []float64 {
		factors := make([]float64, len(z.scaling[last].Out))
		for o, s := range z.scaling[last].Out {
			factors[o] = math.Ldexp(s, z.carry[last+1])
		}
		return factors
	})
}
