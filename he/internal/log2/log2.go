// Package log2 has binary logarithms of what floats cannot hold.
package log2

import (
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
