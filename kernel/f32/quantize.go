package f32

import "math"

// Grid is a quantizer's: integers Lo..Hi, Scale apart.
type Grid struct{ Scale, Lo, Hi float32 }

// Quantize writes the integers nearest to x/Scale, ties to even, clamped to the
// grid:
//
//	dst = clamp(round(x/Scale), Lo, Hi)
//
// NaN becomes 0. The quotient is a true division, rounded to float32: these are
// the integers of quant.Params.Codes. dst may be x.
//
// Reference: ONNX operator QuantizeLinear.
func (g Grid) Quantize(dst, x []float32) {
	fits(dst, x)
	if n := len(dst) &^ (lanes - 1); active != nil && n > 0 {
		active.quantize(&dst[0], &x[0], n, g.Scale, g.Lo, g.Hi)
		dst, x = dst[n:], x[n:]
	}
	for i, a := range x {
		r := round(a / g.Scale)
		switch {
		case r > g.Hi:
			r = g.Hi
		case r < g.Lo:
			r = g.Lo
		case r != r:
			r = 0
		}
		dst[i] = r
	}
}

// QuantizeGrad is the straight-through estimator: dst = slope*dy where
// round(x/Scale) needed no clamping, 0*dy elsewhere and for NaN. dst may be x or
// dy.
func (g Grid) QuantizeGrad(dst, x, dy []float32, slope float32) {
	fits(dst, x, dy)
	if n := len(dst) &^ (lanes - 1); active != nil && n > 0 {
		active.quantizeGrad(&dst[0], &x[0], &dy[0], n, g.Scale, g.Lo, g.Hi, slope)
		dst, x, dy = dst[n:], x[n:], dy[n:]
	}
	for i, a := range x {
		s := float32(0)
		if r := round(a / g.Scale); r >= g.Lo && r <= g.Hi {
			s = slope
		}
		dst[i] = s * dy[i]
	}
}

// ScaleGradient is the gradient of a loss with respect to ln Scale, from its
// gradient dcode with respect to each integer of Quantize:
//
//	sum_i dcode_i * d_i
//	d_i = Lo or Hi                          if x_i/Scale is not between them
//	      round(x_i/Scale) - x_i/Scale      if it is: exact in float32
//
// NaN adds nothing. Products are float64, and exact; 16 sums as in Sum. It is
// the sum of quant.Params.ScaleGradient.
//
// Reference: Esser et al., arXiv 1902.08153, equation 3.
func (g Grid) ScaleGradient(x, dcode []float32) float64 {
	fits(x, dcode)
	var s [lanes]float64
	if n := len(x) &^ (lanes - 1); active != nil && n > 0 {
		active.scaleGradient(&s[0], &x[0], &dcode[0], n, g.Scale, g.Lo, g.Hi)
		x, dcode = x[n:], dcode[n:]
	}
	for i, a := range x {
		d := a / g.Scale
		switch {
		case d >= g.Hi:
			d = g.Hi
		case d <= g.Lo:
			d = g.Lo
		case d != d:
			continue
		default:
			d = round(d) - d
		}
		s[i%lanes] += float64(float64(dcode[i]) * float64(d))
	}
	return addLanes(&s)
}

// round is to the nearest integer, ties to even.
func round(x float32) float32 { return float32(math.RoundToEven(float64(x))) }
