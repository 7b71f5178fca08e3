package f32

import "math"

// Sum adds x up in 64 sums, value k in the sum number k mod 64; at the end those 32
// apart are added, then 16, and so on.
func Sum(x []float32) float32 {
	if active != nil && len(x) > 0 {
		return active.sum(&x[0], len(x))
	}
	var s [64]float32
	for ; len(x) >= len(s); x = x[len(s):] {
		for k, a := range (*[64]float32)(x) {
			s[k] += a
		}
	}
	for k, a := range x {
		s[k] += a
	}
	for half := len(s) / 2; half > 0; half /= 2 {
		for k := range half {
			s[k] += s[k+half]
		}
	}
	return s[0]
}

// SumSquares is the sum of x*x, in float64: 16 sums as in Sum.
func SumSquares(x []float32) float64 {
	var s [lanes]float64
	if n := len(x) &^ (lanes - 1); active != nil && n > 0 {
		active.sumSquares(&s[0], &x[0], n)
		x = x[n:]
	}
	for k, a := range x {
		s[k%lanes] += float64(float64(a) * float64(a))
	}
	return addLanes(&s)
}

// addLanes adds sums half of them apart, then a quarter, and so on; s is
// overwritten.
func addLanes[F float32 | float64](s *[lanes]F) F {
	for half := lanes / 2; half > 0; half /= 2 {
		for k := range half {
			s[k] += s[k+half]
		}
	}
	return s[0]
}

// AbsMax is the largest magnitude of x, 0 of none, and infinite or NaN if any
// value is not finite.
func AbsMax(x []float32) float32 {
	top := uint32(0)
	if n := len(x) &^ (lanes - 1); active != nil && n > 0 {
		top = active.absMax(&x[0], n)
		x = x[n:]
	}
	for _, a := range x {
		// The bits of magnitudes are in the magnitudes' order, NaN on top.
		top = max(top, math.Float32bits(a)&^(1<<31))
	}
	return math.Float32frombits(top)
}
