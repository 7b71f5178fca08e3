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
// are float64: on the binary grid in order, on others 16 of them, of the values 16
// apart (f32.Grid.ScaleGradient).
//
// Reference: Esser et al., arXiv 1902.08153, equations 2 and 3 and section 2.2.
func (p Params) ScaleGradient(x, dcode []float32) float64 {
	if len(dcode) != len(x) {
		panic("quant: ScaleGradient: lengths differ")
	}
	root := math.Sqrt(float64(len(x)) * float64(max(p.QMax(), 1)))
	if !p.Binary() {
		return p.Grid().ScaleGradient(x, dcode) / root
	}
	sum := 0.0
	for i, v := range x {
		if v == v {
			sum += float64(dcode[i] * sign(v))
		}
	}
	return sum / root
}
