package security

import (
	"errors"
	"math"
	"testing"
)

// The line stays below all published ones it is derived from.
func TestMaxLogLWE(t *testing.T) {
	for n := minLWE; n <= maxLWE; n++ {
		got, ok := MaxLogLWE(n)
		row, _ := MaxLogQP(10)
		next, _ := MaxLogQP(11)
		proportional := row * float64(n) / 1024
		rows := row + (next-row)*float64(n-1024)/1024
		// Zama's Concrete compiler, security curve of binary keys, 128 bits.
		estimator := 0.026405028765226296*float64(n) - 2.482642269104389 + math.Log2(3.2)
		if !ok || got > proportional || got > rows || got > estimator {
			t.Fatalf("n = %d: %v, %v; the row of 1024 allows %v, the first two rows %v, the estimator %v", n, got, ok, proportional, rows, estimator)
		}
	}
	for logQ := 1; logQ <= 40; logQ++ {
		n := LWEDimension(logQ)
		if CheckLWE(n, float64(logQ)) != nil || EstimateLWE(n, float64(logQ)) != Bits {
			t.Errorf("%d bits: dimension %d is too small", logQ, n)
		}
		var insecure *InsecureLWEError
		if n > minLWE && (!errors.As(CheckLWE(n-1, float64(logQ)), &insecure) || EstimateLWE(n-1, float64(logQ)) >= Bits) {
			t.Errorf("%d bits: dimension %d would do", logQ, n-1)
		}
	}
	for _, n := range []int{-1, 0, minLWE - 1, maxLWE + 1} {
		if CheckLWE(n, 1) == nil || EstimateLWE(n, 1) == Bits {
			t.Errorf("dimension %d is vouched for", n)
		}
	}
}

func TestErrorsAreInsecure(t *testing.T) {
	for _, err := range []error{Check(10, 27), CheckLWE(1024, 27), Check(9, 1), CheckLWE(1, 1)} {
		if !errors.Is(err, ErrInsecure) || err.Error() == "" {
			t.Errorf("%v is not ErrInsecure", err)
		}
	}
}
