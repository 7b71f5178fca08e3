// Package ptq quantizes a trained network without training it further: the
// input's quantizer from calibration images, the weights' from the weights.
package ptq

import (
	"fmt"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
	"qtool/quant"
)

// calibrationBatch is the images of one observer batch.
const calibrationBatch = 100

// Quantize quantizes a network from the first c.Images images of a training
// split. The parameters are shared, not copied.
func Quantize(n *model.Network, p model.Parameters, c calibrate.Config, images *datasets.Split) (*model.Quantized, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("ptq: %w", err)
	}
	if err := p.Check(n); err != nil {
		return nil, err
	}
	q := &model.Quantized{Network: n, Params: p}
	var err error
	if q.Input, err = c.Input.Input(Reals(images.First(min(c.Images, images.Len())))); err != nil {
		return nil, err
	}
	for _, l := range n.Layers {
		if l.Weighted() {
			q.Weights = append(q.Weights, model.WeightQuantizer{Layer: l.Name, Bits: quant.BitWidth(c.Weights.Bits)})
		}
	}
	if _, err := q.Calibrate(c.Weights.Observer(), false); err != nil {
		return nil, err
	}
	return q, nil
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
