package quant

import "math"

// Round24 rounds x to 24 significant bits, half to even: what float32 holds, but
// with the exponents of float64. It keeps integers up to 2^24; a larger one
// becomes an integer that training's float32 arithmetic can hold too, on a scale
// that is a power of two.
func Round24(x float64) float64 {
	fraction, exponent := math.Frexp(x)
	return math.Ldexp(math.RoundToEven(fraction*(1<<24)), exponent-24)
}
