// Copyright 2010 The Go Authors. All rights reserved.
// Use of this source code is governed by a BSD-style
// license that can be found in the LICENSE file.

package elementary

import "math"

// Exp is e to the power of x, with an error below one unit in the last place:
//
//	x = n ln 2 + 16 r,   |16 r| <= ln(2)/2,   exp(x) = 2^n exp(r)^16
//
// exp(r) - 1 is a Taylor polynomial of degree 9, squared four times as
// (1+y)^2 - 1 = y (y+2).
//
// Reference: Shibata, "Efficient evaluation methods of elementary functions
// suitable for SIMD computation", 2010.
func Exp(x float64) float64 {
	const (
		overflow = 7.09782712893384e+02
		ln2Upper = 0.69314718055966295651160180568695068359375
		ln2Lower = 0.28235290563031577122588448175013436025525412068e-12
		smallest = -1075 // 2^n rounds to 0 below
		infinite = 1024  // 2^n is infinite from here on
	)
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x > overflow:
		return math.Inf(1)
	}
	n := math.RoundToEven(x * math.Log2E)
	if n < smallest {
		return 0
	}
	r := math.FMA(-n, ln2Upper, x)
	r = math.FMA(-n, ln2Lower, r) * 0.0625
	y := 2.4801587301587301587e-5
	y = math.FMA(r, y, 1.9841269841269841270e-4)
	y = math.FMA(r, y, 1.3888888888888888889e-3)
	y = math.FMA(r, y, 8.3333333333333333333e-3)
	y = math.FMA(r, y, 4.1666666666666666667e-2)
	y = math.FMA(r, y, 1.6666666666666666667e-1)
	y = math.FMA(r, y, 0.5)
	y = math.FMA(r, y, 1)
	y = float64(y * r)
	y = float64(y * (y + 2)) // rounded before the next sum
	y = float64(y * (y + 2)) // rounded before the next sum
	y = float64(y * (y + 2)) // rounded before the next sum
	y = math.FMA(y+2, y, 1)
	switch e := int(n); {
	case e >= infinite:
		return math.Inf(1)
	case e > -1023:
		return y * power2(e)
	default:
		return y * power2(e+1022) * 0x1p-1022
	}
}

// power2 is 2^e, for e in -1022..1023.
func power2(e int) float64 { return math.Float64frombits(uint64(e+1023) << 52) }
