package sample

import (
	"math"
	"math/big"
	"sync"

	"qtool/kernel/cpu"
	"qtool/kernel/mod"
)

// Sigma is the standard deviation of errors before rounding, and Bound the
// largest value before rounding: the homomorphic encryption standard's 3.2, and
// six times that. They are Lattigo's defaults.
const (
	Sigma = 3.2
	Bound = 19.2
)

// largest is the largest error.
const largest = 19

// Gaussian fills dst with errors: a normal variable of standard deviation Sigma,
// given that its magnitude is at most Bound, rounded to the nearest integer. That
// is the distribution of Lattigo's sampler; here it is drawn by inversion of its
// cumulative probabilities, to 63 bits, so that the distance from it is below
// 2^-58, and neither time nor memory accesses depend on the errors. level says
// which kernels are used; the errors are the same with all. scratch is at least as
// long as dst and is cleared.
func (s *Stream) Gaussian(level cpu.Level, dst []int64, scratch []uint64) {
	scratch = scratch[:len(dst)]
	s.Words(scratch)
	mod.SignedCount(level, dst, scratch, thresholds())
	clear(scratch)
}

// thresholds are the probabilities of magnitudes below 1, 2, ..., 19 times 2^63:
//
//	erf((k - 1/2) / (Sigma sqrt 2)) / erf(Bound / (Sigma sqrt 2))
var thresholds = sync.OnceValue(func() []uint64 {
	scale := new(big.Float).SetMantExp(big.NewFloat(1), 63)
	scale.Quo(scale, erfSeries(Bound))
	table := make([]uint64, largest)
	for k := range table {
		p := new(big.Float).SetPrec(precision).Mul(scale, erfSeries(float64(k)+0.5))
		table[k], _ = p.Add(p, big.NewFloat(0.5)).Uint64()
	}
	return table
})

const precision = 256

// erfSeries is sqrt(pi/2) erf(x / (Sigma sqrt 2)), by the series
//
//	sum_n (-1)^n z^(2n+1) / (2^n n! (2n+1)),   z = x / Sigma
//
// Its constant factor cancels in quotients.
func erfSeries(x float64) *big.Float {
	float := func(v float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(v) }
	// The decimals of Sigma and Bound are tenths.
	z := float(math.Round(x * 10))
	z.Quo(z, float(math.Round(Sigma*10)))
	half := float(0).Mul(z, z)
	half.Quo(half, float(2)) // z^2 of the error function
	sum, power := float(0), float(0).Set(z)
	for n := range 200 {
		sum.Add(sum, float(0).Quo(power, float(float64(2*n+1))))
		power.Mul(power, half)
		power.Quo(power, float(-float64(n+1)))
	}
	return sum
}
