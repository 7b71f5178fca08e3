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
	lo, hi := float64(p.QMin()-p.ZeroPoint), float64(p.QMax()-p.ZeroPoint)
	sum := 0.0
	for i, v := range x {
		ratio := float64(v / p.Scale)
		switch {
		case p.Binary() && v == v:
			sum += float64(dcode[i] * sign(v))
		case ratio >= hi:
			sum += float64(dcode[i]) * hi
		case ratio <= lo:
			sum += float64(dcode[i]) * lo
		case ratio == ratio:
			sum += float64(dcode[i]) * (math.RoundToEven(ratio) - ratio)
		}
	}
	return sum / math.Sqrt(float64(len(x))*float64(max(p.QMax(), 1)))
}
