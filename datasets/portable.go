package datasets

// The functions below give the same bits on every architecture. Go may fuse
// x*y + z into one rounding where the machine can, and package math may use
// assembly; an explicit conversion forbids the former, and the latter is not
// called (math.Sqrt excepted, which IEEE 754 rounds correctly everywhere).

// mul returns x*y, rounded to float64 before anything is added to it.
func mul(x, y float64) float64 { return float64(x * y) }

// lerp returns a + (b-a)*t.
func lerp(a, b, t float64) float64 { return a + mul(b-a, t) }

// clamp returns x limited to [lo, hi].
func clamp(x, lo, hi float64) float64 {
	switch {
	case x < lo:
		return lo
	case x > hi:
		return hi
	}
	return x
}

// sincos returns the sine and cosine of x radians, for |x| <= pi, with an
// absolute error below 1e-14: Taylor series about 0 in x/2, angle doubled once.
func sincos(x float64) (sin, cos float64) {
	h := x / 2
	h2 := mul(h, h)
	// Horner: s = h - h^3/3! + ..., c = 1 - h^2/2! + ..., to degree 21 and 20.
	s, c := 1.0, 1.0
	for k := 20.0; k >= 2; k -= 2 {
		s = 1 - mul(h2, s)/mul(k, k+1)
		c = 1 - mul(h2, c)/mul(k-1, k)
	}
	s = mul(h, s)
	return 2 * mul(s, c), 1 - 2*mul(s, s)
}
