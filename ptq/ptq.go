// Package ptq quantizes a trained network without training it further: the
// input's quantizer from calibration images, the weights' from the weights.
package ptq

import (
	"fmt"
	"slices"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
)

// calibrationBatch is the images of one observer batch.
const calibrationBatch = 100

// Quantize quantizes a network from the first c.Images images of a training
// split, with its batch norms folded into the weights but for those that a table
// takes. The parameters are shared, not copied, where nothing is folded.
func Quantize(n *model.Network, p model.Parameters, c calibrate.Config, images *datasets.Split) (*model.Quantized, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("ptq: %w", err)
	}
	if err := p.Check(n); err != nil {
		return nil, err
	}
	if err := c.CheckNetwork(n); err != nil {
		return nil, fmt.Errorf("ptq: %w", err)
	}
	if slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Type == model.BatchNorm }) {
		n, p = model.FoldBatchNorms(n, p, func(i int) bool { return n.TableAfter(i) >= 0 })
	}
	q := &model.Quantized{Network: n, Params: p}
	var err error
	if q.Input, err = c.Input.Input(Reals(images.First(min(c.Images, images.Len())))); err != nil {
		return nil, err
	}
	for _, l := range n.Layers {
		if l.Weighted() {
			q.Weights = append(q.Weights, model.WeightQuantizer{Layer: l.Name, Bits: c.WeightBits(l.Name)})
		}
	}
	if q.Activations, err = activations(n, p, c, images); err != nil {
		return nil, err
	}
	if _, err := q.Calibrate(c.WeightObserver(n)); err != nil {
		return nil, err
	}
	return q, nil
}

// activations chooses the quantizers of tabled activations from their outputs in
// the float network.
func activations(n *model.Network, p model.Parameters, c calibrate.Config, images *datasets.Split) ([]model.ActivationQuantizer, error) {
	if !slices.ContainsFunc(n.Layers, model.Layer.Tabled) {
		return nil, nil
	}
	outputs := make([][][]float32, len(n.Layers)) // of each tabled layer, image by image
	calibration := images.First(min(c.Images, images.Len()))
	for x := range Reals(calibration) {
		for size := len(images.Image(0)); len(x) > 0; x = x[size:] {
			outs, err := n.Forward(p, x[:size])
			if err != nil {
				return nil, err
			}
			for i, l := range n.Layers {
				if !l.Tabled() {
					continue
				}
				row := make([]float32, len(outs[i]))
				for k, v := range outs[i] {
					row[k] = float32(v)
				}
				outputs[i] = append(outputs[i], row)
			}
		}
	}
	var all []model.ActivationQuantizer
	for at, l := range n.Layers {
		if !l.Tabled() {
			continue
		}
		params, err := c.Activation(l.Name).Quantizer(l.Name, slices.Values(outputs[at]))
		if err != nil {
			return nil, err
		}
		a := model.ActivationQuantizer{Layer: l.Name, Params: params}
		for i := range at {
			if n.Layers[i].Weighted() && n.TableAfter(i) == at {
				a.Shift = c.Shift(n, i)
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// Reals yields a split's pixels as training sees them, b/255 in float32, in
// batches whose slice is reused.
func Reals(s *datasets.Split) func(yield func([]float32) bool) {
	return func(yield func([]float32) bool) {
		var x []float32
		for b, err := range s.Batches(calibrationBatch) {
			if err != nil {
				panic(err) // the batch size is a constant
			}
			x = x[:0]
			for _, v := range b.Images {
				x = append(x, float32(v)/255)
			}
			if !yield(x) {
				return
			}
		}
	}
}
