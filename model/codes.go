package model

import (
	"math"

	"qtool/quant"
)

// WeightCodes writes the integer weights of w, of shape [outputs, inputs...]
// with inputs split evenly over Fold's channels, as float32 (which is exact).
func (s *LayerScaling) WeightCodes(dst, w []float32, outputs int) {
	row := len(w) / outputs
	for o := range outputs {
		d, src := dst[o*row:(o+1)*row], w[o*row:(o+1)*row]
		if s.Fold != nil {
			s.fold(d, src)
			src = d
		}
		s.weights.Params(o).Codes(d, src)
	}
}

// fold multiplies a row of weights by the input channels' factors.
func (s *LayerScaling) fold(dst, w []float32) {
	per := len(w) / len(s.Fold)
	for c, f := range s.Fold {
		for k := c * per; k < (c+1)*per; k++ {
			dst[k] = w[k] * f
		}
	}
}

// FoldedWeights is w with the input channels' factors multiplied in: what the
// weight quantizer sees and what calibration chooses its scale from.
func (s *LayerScaling) FoldedWeights(w []float32, outputs int) []float32 {
	folded := make([]float32, len(w))
	copy(folded, w)
	if s.Fold != nil {
		row := len(w) / outputs
		for o := range outputs {
			s.fold(folded[o*row:(o+1)*row], folded[o*row:(o+1)*row])
		}
	}
	return folded
}

// WeightSlopes writes d code / d w of the straight-through estimator: Fold/scale
// where the weight was not clamped, 0 where it was.
func (s *LayerScaling) WeightSlopes(dst, w []float32, outputs int) {
	row := len(w) / outputs
	for o := range outputs {
		q := s.weights.Params(o)
		d, src := dst[o*row:(o+1)*row], w[o*row:(o+1)*row]
		for k, v := range src {
			f := float32(1)
			if s.Fold != nil {
				f = s.Fold[k*len(s.Fold)/row]
			}
			d[k] = 0
			if q.Inside(v * f) {
				d[k] = f / q.Scale
			}
		}
	}
}

// ScaleGradient writes the gradient of a loss with respect to the logarithm of
// each weight scale, from its gradient dcode with respect to each weight code;
// see quant.Params.ScaleGradient.
func (s *LayerScaling) ScaleGradient(dst, w, dcode []float32, outputs int) {
	groups := len(s.weights.Scales)
	folded := w
	if s.Fold != nil {
		folded = s.FoldedWeights(w, outputs)
	}
	size := len(w) / groups
	for g := range groups {
		from, to := g*size, (g+1)*size
		dst[g] = float32(s.weights.Params(g).ScaleGradient(folded[from:to], dcode[from:to]))
	}
}

// BiasCodes writes the integers Round24(round(b/Out)), half to even. The bundle
// stores the same.
func (s *LayerScaling) BiasCodes(dst []float64, b []float32) {
	for o, v := range b {
		dst[o] = quant.Round24(math.RoundToEven(float64(v) / s.Out[o%len(s.Out)]))
	}
}
