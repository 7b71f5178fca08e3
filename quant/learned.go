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
// apart, which are then added in halves.
//
// Reference: Esser et al., arXiv 1902.08153, equations 2 and 3 and section 2.2.
func (p Params) ScaleGradient(x, dcode []float32) float64 {
	if len(dcode) != len(x) {
		panic("quant: ScaleGradient: lengths differ")
	}
	var sums [gradientSums]float64
	lo, hi := float32(p.QMin()-p.ZeroPoint), float32(p.QMax()-p.ZeroPoint)
	for i, v := range x {
		d, lane := v/p.Scale, i%gradientSums
		switch {
		case v != v || d != d:
			continue
		case p.Binary():
			d, lane = sign(v), 0
		case d >= hi:
			d = hi
		case d <= lo:
			d = lo
		default:
			d = float32(math.RoundToEven(float64(d))) - d // exact
		}
		sums[lane] += float64(float64(dcode[i]) * float64(d))
	}
	for half := gradientSums / 2; half > 0; half /= 2 {
		for k := range half {
			sums[k] += sums[k+half]
		}
	}
	return sums[0] / p.GradientRoot(len(x))
}

// gradientSums is how many sums a gradient is added up in.
const gradientSums = 16

// GradientRoot is 1/g of ScaleGradient for n values.
func (p Params) GradientRoot(n int) float64 {
	return math.Sqrt(float64(n) * float64(max(p.QMax(), 1)))
}
