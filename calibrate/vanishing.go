package calibrate

import (
	"math"

	"qtool/kernel/f32"
	"qtool/model"
)

// vanishing is the share of a bias below which a weight's scale has no use: inputs
// would have to be 2^10 for it to reach the 24 bits that are kept of a bias, see
// quant.Round24. zeroBits is how many bits a bias has where the weights leave the
// choice.
const (
	vanishing = 0x1p-34
	zeroBits  = 10
)

// scalesForBias changes scales that weights have chosen which are 0 or vanish beside
// their bias, since a bias is an integer at the scale of its products:
//
//	bias / (scale * InScale)
//
// Where all weights that share a scale are 0, every scale is exact for them, and
// where the scale is below vanishing times the bias, the weights only make integers
// long. Both get the largest scale of the layer's others, or, where there is none,
// the one at which the largest bias has zeroBits bits. All other scales stay. It
// changes scales in place.
func scalesForBias(o model.Observation, scales []float32) []float32 {
	groups := len(scales)
	if o.Bias == nil || groups == 0 || !(o.InScale > 0) || math.IsInf(o.InScale, 0) {
		return scales
	}
	size, rows := len(o.Folded)/groups, o.Outputs/groups
	largest := float32(0) // of the scales that weights need
	idle := make([]bool, groups)
	biases := make([]float64, groups)
	for g := range scales {
		biases[g] = float64(f32.AbsMax(o.Bias[g*rows : (g+1)*rows]))
		idle[g] = f32.AbsMax(o.Folded[g*size:(g+1)*size]) == 0 || float64(scales[g]) < biases[g]*vanishing
		if !idle[g] {
			largest = max(largest, scales[g])
		}
	}
	for g := range scales {
		if !idle[g] {
			continue
		}
		switch s := float32(biases[g] / (o.InScale * math.Ldexp(1, zeroBits))); {
		case largest > 0:
			scales[g] = largest
		case s >= smallestScale && s <= math.MaxFloat32:
			scales[g] = s
		}
	}
	return scales
}
