package quant

import (
	"fmt"
	"math"
)

// IntegerPolynomial turns a real polynomial on real = s*q into an integer one
// on q, normalised by its leading coefficient:
//
//	a_d x^d + ... + a_0  =  scale * (q^d + B_{d-1} q^{d-1} + ... + B_0)
//	B_k   = Round24(round(a_k / (a_d s^(d-k))))    (half to even)
//	scale = a_d s^d
//
// a holds a_0..a_d; the result holds the integers B_0..B_d with B_d = 1. Each
// B_k up to 2^24 is off by at most 1/2, so the polynomial's value by at most
// scale/2 * sum |q|^k. A negative a_d gives a negative scale. It returns an error
// if a has no degree, a_d or s is zero or not finite, or a coefficient passes
// float64.
func IntegerPolynomial(a []float64, s float64) (coeffs []float64, scale float64, err error) {
	d := len(a) - 1
	if d < 1 || a[d] == 0 {
		return nil, 0, fmt.Errorf("polynomial %v has no leading term of degree 1 or more", a)
	}
	if !(s != 0) || math.IsInf(s, 0) {
		return nil, 0, fmt.Errorf("input scale %v is not finite and nonzero", s)
	}
	coeffs = make([]float64, d+1)
	coeffs[d] = 1
	power := 1.0 // s^(d-k)
	for k := d - 1; k >= 0; k-- {
		power *= s
		b := Round24(math.RoundToEven(a[k] / (a[d] * power)))
		if b-b != 0 {
			return nil, 0, fmt.Errorf("integer coefficient %v of degree %d is not finite at input scale %v", b, k, s)
		}
		coeffs[k] = b
	}
	scale = a[d] * power
	if scale == 0 || math.IsInf(scale, 0) || math.IsNaN(scale) {
		return nil, 0, fmt.Errorf("output scale %v of polynomial %v at input scale %v is not finite and nonzero", scale, a, s)
	}
	return coeffs, scale, nil
}
