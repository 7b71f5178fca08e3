package quant

import (
	"fmt"
	"math"
)

// Symmetric returns the signed, narrow-range quantizer whose grid just reaches
// absMax:
//
//	scale = absMax / (2^(bits-1) - 1), zeroPoint = 0    (absMax for one bit)
//
// A tensor of zeros (absMax 0) gets scale 1: every value quantizes to 0, which
// is exact. One bit holds no 0, so there absMax 0 is an error. So is an absMax
// that is negative, infinite or NaN, and bits outside 1..16.
func Symmetric(absMax float32, bits BitWidth) (Params, error) {
	if err := CheckBits(int(bits), true); err != nil {
		return Params{}, err
	}
	if !(absMax >= 0) || math.IsInf(float64(absMax), 0) {
		return Params{}, fmt.Errorf("largest magnitude %v is not finite and non-negative", absMax)
	}
	p := Params{Bits: bits, Signed: true, NarrowRange: true}
	if absMax == 0 && p.Binary() {
		return Params{}, fmt.Errorf("every value is 0, which a grid of -1 and +1 cannot hold")
	}
	p.Scale = usableScale(absMax / float32(p.QMax()))
	return p, nil
}

// Affine returns the unsigned quantizer whose grid covers [lo, hi], widened to
// contain 0 so that zero is exact (padding needs it):
//
//	scale     = (hi - lo) / (2^bits - 1)
//	zeroPoint = clamp(round(-lo/scale), 0, 2^bits - 1)
//
// The constant range [0, 0] gets scale 1 and zero point 0. It returns an error
// for lo > hi, a bound or a scale that is not finite in float32, or bits outside
// 1..16.
//
// Reference: Jacob et al., arXiv 1712.05877, section 3 and appendix D.
func Affine(lo, hi float32, bits BitWidth) (Params, error) {
	if err := CheckBits(int(bits), false); err != nil {
		return Params{}, err
	}
	if !(lo <= hi) || math.IsInf(float64(lo), 0) || math.IsInf(float64(hi), 0) {
		return Params{}, fmt.Errorf("range [%v, %v] is not finite and ordered", lo, hi)
	}
	lo, hi = min(lo, 0), max(hi, 0)
	p := Params{Bits: bits}
	width := float64(hi) - float64(lo) // float64: hi - lo may exceed float32
	p.Scale = usableScale(float32(width / float64(p.QMax())))
	if math.IsInf(float64(p.Scale), 0) {
		return Params{}, fmt.Errorf("scale of range [%v, %v] in %d bits passes float32", lo, hi, bits)
	}
	p.ZeroPoint = int32(min(math.RoundToEven(-float64(lo)/float64(p.Scale)), float64(p.QMax())))
	return p, nil
}

// usableScale replaces a scale where x/scale would overflow or lose precision: 0,
// of an all-zero tensor or by underflow, by 1, and a subnormal by the smallest
// normal float32.
func usableScale(s float32) float32 {
	const smallestNormal = 0x1p-126
	if s == 0 {
		return 1
	}
	return max(s, smallestNormal)
}
