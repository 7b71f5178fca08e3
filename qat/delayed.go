package qat

import (
	"fmt"

	"qtool/model"
)

// activationGrid follows a layer's name in the name of its grid: scale, zero point.
const activationGrid = ".grid"

// watchGrids lists the grids of lookup-table activations where Calibrate moves them.
func (z *Quantizer) watchGrids() {
	if z.options.Calibrate == nil {
		return
	}
	for _, a := range z.q.Activations {
		z.grids = append(z.grids, model.Tensor{Name: a.Layer + activationGrid, Shape: []int{2}, Data: gridOf(a)})
	}
}

// gridOf is a grid in float32, which holds every zero point.
func gridOf(a model.ActivationQuantizer) []float32 {
	return []float32{a.Params.Scale, float32(a.Params.ZeroPoint)}
}

// takeGrids puts the grids into the quantizers.
func (z *Quantizer) takeGrids() {
	for i, g := range z.grids {
		p := &z.q.Activations[i].Params
		p.Scale, p.ZeroPoint = g.Data[0], int32(g.Data[1])
	}
}

// Calibrate implements train.Quantizer, by Options.Calibrate. The input's
// quantizer stays: it depends on the images alone.
func (z *Quantizer) Calibrate(p model.Parameters) error {
	if z.options.Calibrate == nil {
		return fmt.Errorf("qat: nothing was given to choose the scales of a delayed quantization by")
	}
	fresh, err := z.options.Calibrate(p)
	if err != nil {
		return err
	}
	for i, w := range fresh.Weights {
		copy(z.q.Weights[i].Scales, w.Scales) // learned scales are shared
		z.setLearned(w.Layer+weightScale, w.Scales)
	}
	for i, a := range fresh.Activations {
		copy(z.grids[i].Data, gridOf(a))
		z.setLearned(a.Layer+activationScale, []float32{a.Params.Scale})
	}
	return z.Refresh(p)
}

// setLearned sets the scales called name, if they are learned.
func (z *Quantizer) setLearned(name string, scales []float32) {
	for _, t := range z.learned {
		if t.Name == name {
			copy(t.Data, scales)
		}
	}
}
