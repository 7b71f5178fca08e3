package ptq

import (
	"context"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
	"qtool/quant"
)

// input chooses the quantizer of the input from calibration samples. Of a network that
// reads words it is signed around 0, with the scale of least squared error over the
// vectors that enter what is quantized, and with polynomial gates the power of two above,
// which reaches nearly all of them and needs shifts alone.
func input(ctx context.Context, n *model.Network, p model.Parameters, c calibrate.Config, s *datasets.Split) (quant.Params, error) {
	if !n.ReadsWords() {
		return c.Input.Input(until(ctx, Reals(s)))
	}
	var all []float32
	for x := range Entered(n, p, s) {
		if ctx.Err() != nil {
			return quant.Params{}, ctx.Err()
		}
		all = append(all, x...)
	}
	scales, err := calibrate.WeightConfig{Bits: c.Input.Bits, Kind: "mse"}.Scales("input", all, 1)
	if err != nil {
		return quant.Params{}, err
	}
	for _, l := range n.Layers {
		if l.Gates != nil {
			scales[0] = model.PowerOfTwo(scales[0])
		}
	}
	return quant.Params{Scale: scales[0], Bits: quant.BitWidth(c.Input.Bits), Signed: true}, nil
}

// Entered yields the reals that enter what is quantized, sample by sample: pixels as
// training sees them, or the vectors of the steps that have a word.
func Entered(n *model.Network, p model.Parameters, s *datasets.Split) func(yield func([]float32) bool) {
	if !n.ReadsWords() {
		return Reals(s)
	}
	return func(yield func([]float32) bool) {
		var x []float32
		for _, steps := range s.Words {
			x = x[:0]
			for t, row := range n.Entered(p, steps) {
				if len(steps[t]) > 0 {
					x = append(x, row...)
				}
			}
			if !yield(x) {
				return
			}
		}
	}
}

// Forward are the outputs of all layers for sample k of s in float64; see
// model.Network.Forward and ForwardWords.
func Forward(n *model.Network, p model.Parameters, s *datasets.Split, k int) ([][]float64, error) {
	if n.ReadsWords() {
		return n.ForwardWords(p, s.Words[k])
	}
	return n.Forward(p, s.Tensor(k))
}
