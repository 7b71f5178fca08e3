package quant

import "math"

// ScaleGradient is the gradient of a loss with respect to the logarithm of a
// learned scale, from its gradient dcode with respect to each centred code of x:
//
//	d loss / d ln Scale = g * sum_i dcode_i * d_i
//	d_i = lo                   if x_i/Scale <= lo = QMin - ZeroPoint
//	      hi                   if x_i/Scale >= hi = QMax - ZeroPoint
//	      code_i - x_i/Scale   between
//	g = 1 / sqrt(len(x) * QMax)
//
// On the binary grid, where no code depends on the scale, d_i is code_i. A NaN
// adds nothing.
//
// Relative to the scale, because a relative step is what suits a scale of any
// size; d loss / d Scale, the form of the paper, is Scale^-1 of it, and with
// respect to a fake-quantized value Scale*code the gradient is dcode/Scale. Sums
// are float64, in order.
//
// Reference: Esser et al., arXiv 1902.08153, equations 2 and 3 and section 2.2.
func (p Params) ScaleGradient(x, dcode []float32) float64 {
	if len(dcode) != len(x) {
		panic("quant: ScaleGradient: lengths differ")
	}
	root := math.Sqrt(float64(len(x)) * float64(max(p.QMax(), 1)))
	sum := 0.0
	if p.Binary() {
		for i, v := range x {
			if v == v {
				sum += float64(dcode[i] * sign(v))
			}
		}
		return sum / root
	}
	lo, hi := float64(p.QMin()-p.ZeroPoint), float64(p.QMax()-p.ZeroPoint)
	low, high := math.Float64bits(lo), math.Float64bits(hi)
	for i, v := range x {
		ratio := float64(v / p.Scale)
		if ratio != ratio {
			continue
		}
		// No branch guesses which weights are clamped: the bits of one of three
		// results are chosen. A difference is negative, its sign bit 1, below hi and
		// above lo.
		belowHi := uint64(int64(math.Float64bits(ratio-hi)) >> 63)
		aboveLo := uint64(int64(math.Float64bits(lo-ratio)) >> 63)
		rounding := math.Float64bits(roundSmall(ratio) - ratio)
		d := math.Float64frombits(rounding&belowHi&aboveLo | high&^belowHi | low&^aboveLo)
		sum += float64(float64(dcode[i]) * d)
	}
	return sum / root
}

// roundSmall is x rounded to the nearest integer, ties to even, for |x| < 2^51.
func roundSmall(x float64) float64 {
	const magic = 3 << 51 // what is added to it loses its fraction
	return (x + magic) - magic
}
