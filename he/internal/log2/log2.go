// Package log2 has binary logarithms of what floats cannot hold.
package log2

import (
	"math"
	"math/big"

	"qtool/internal/elementary"
)

// Int is log2 of an integer of any size, 0 for 0 and below.
func Int(x *big.Int) float64 {
	if x.Sign() <= 0 {
		return 0
	}
	mantissa := new(big.Float)
	exponent := new(big.Float).SetInt(x).MantExp(mantissa)
	m, _ := mantissa.Float64()
	return float64(exponent) + elementary.Log2(m)
}

// Product is log2 of the product of all factors.
func Product(lists ...[]uint64) float64 {
	sum := 0.0
	for _, l := range lists {
		for _, q := range l {
			sum += elementary.Log2(float64(q))
		}
	}
	return sum
}

// Sum is log2(2^a + 2^b).
func Sum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + elementary.Log2(1+elementary.Exp2(b-a))
}

// RootSumSquare is log2 sqrt(4^a + 4^b).
func RootSumSquare(a, b float64) float64 { return float64(Sum(float64(2*a), float64(2*b)) / 2) }
