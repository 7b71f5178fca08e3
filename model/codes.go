package model

import (
	"math"

	"qtool/quant"
)

// WeightCodes writes the integer weights of w, of shape [outputs, inputs...]
// with inputs split evenly over the channels that the output reads, as float32
// (which is exact).
func (s *LayerScaling) WeightCodes(dst, w []float32, outputs int) {
	row := len(w) / outputs
	for o := range outputs {
		d, src := dst[o*row:(o+1)*row], w[o*row:(o+1)*row]
		if s.Fold != nil {
			s.fold(d, src, s.FoldOf(o, outputs))
			src = d
		}
		s.weights.Params(o).Codes(d, src)
	}
}

// FoldOf are the factors of the channels that output o of so many reads: of all
// channels, or of the channels of its group.
func (s *LayerScaling) FoldOf(o, outputs int) []float32 {
	from, to := groupRange(o, outputs, len(s.Fold), s.groups)
	return s.Fold[from:to]
}

// groupRange is which of n input channels output o of so many reads.
func groupRange(o, outputs, n, groups int) (from, to int) {
	if groups <= 1 {
		return 0, n
	}
	g := o * groups / outputs
	return g * n / groups, (g + 1) * n / groups
}

// fold multiplies a row of weights by its input channels' factors.
func (s *LayerScaling) fold(dst, w, factors []float32) {
	per := len(w) / len(factors)
	for c, f := range factors {
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
			s.fold(folded[o*row:(o+1)*row], folded[o*row:(o+1)*row], s.FoldOf(o, outputs))
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
		fold := s.FoldOf(o, outputs)
		for k, v := range src {
			f := float32(1)
			if len(fold) > 0 {
				f = fold[k*len(fold)/row]
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
