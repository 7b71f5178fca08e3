package qat

import (
	"slices"

	"qtool/model"
	"qtool/train"
)

// What follows a layer's name in the names of its learned scales.
const (
	weightScale     = ".weight_scale"
	activationScale = ".scale"
)

// learn lists the learned scales. Weights share their slice with the quantizer. Copies
// are learned of the single scales of input and activations, and of the scales of weights
// that are tied to another tensor's scale; takeLearned copies them back. A tied scale is
// learned freely, while the quantizer has the nearest one that meets the other tensor's.
func (z *Quantizer) learn() {
	if z.options.Input {
		z.learned = append(z.learned, model.Tensor{Name: train.InputScale, Shape: []int{1}, Data: []float32{z.q.Input.Scale}})
	}
	for i := range z.q.Weights {
		if w := &z.q.Weights[i]; z.options.WeightScales {
			data := w.Scales
			if z.tied[w.Layer] {
				data = slices.Clone(data)
			}
			z.learned = append(z.learned, model.Tensor{Name: w.Layer + weightScale, Shape: []int{len(data)}, Data: data})
		}
	}
	for i := range z.q.Activations {
		if a := &z.q.Activations[i]; z.options.Activations {
			z.learned = append(z.learned, model.Tensor{Name: a.Layer + activationScale, Shape: []int{1}, Data: []float32{a.Params.Scale}})
		}
	}
}

// smallestScale keeps learned scales normal numbers.
const smallestScale = 0x1p-100

// takeLearned puts the learned scales into the quantizers.
func (z *Quantizer) takeLearned() {
	at := 0
	next := func() float32 {
		s := &z.learned[at].Data[0]
		at++
		*s = max(*s, smallestScale)
		return *s
	}
	if z.learned == nil {
		return
	}
	if z.options.Input {
		z.q.Input.Scale = next()
	}
	if z.options.WeightScales {
		for i := range z.q.Weights {
			for k, s := range z.learned[at].Data {
				z.learned[at].Data[k] = max(s, smallestScale)
			}
			copy(z.q.Weights[i].Scales, z.learned[at].Data)
			at++
		}
	}
	if z.options.Activations {
		for i := range z.q.Activations {
			z.q.Activations[i].Params.Scale = next()
		}
	}
}

// Scales implements train.Quantizer.
func (z *Quantizer) Scales() []model.Tensor { return z.learned }

// Observed implements train.Quantizer.
func (z *Quantizer) Observed() []model.Tensor {
	if z.options.WeightScales {
		return z.grids
	}
	var observed []model.Tensor
	for _, w := range z.q.Weights {
		observed = append(observed, model.Tensor{Name: w.Layer + weightScale, Shape: []int{len(w.Scales)}, Data: w.Scales})
	}
	return append(observed, z.grids...)
}
