package ckksnoise

import (
	"math"
	"testing"

	"qtool/he/internal/sample"
)

// The variances against their formulas, on a ring of two digits.
func TestSources(t *testing.T) {
	s := New(12, []uint64{1 << 40, 1 << 30, 1 << 30}, []uint64{1 << 35, 1 << 36})
	const n, sigma = 1 << 12, sample.Sigma
	d := math.Exp2(70)
	want := map[string][2]float64{
		"fresh":     {s.Fresh(1 << 20), n * (sigma*sigma + 1./12) / math.Exp2(40)},
		"rounding":  {s.Rounding(1 << 20), n * (1 + 2./3*n) / 12 / math.Exp2(40)},
		"switching": {s.Switching(3, 1<<20), n * n * sigma * sigma * (d*d + math.Exp2(60)) / 12 / math.Exp2(2*(71+20))},
		"one digit": {s.Switching(1, 1), n * n * sigma * sigma * math.Exp2(80) / 12 / math.Exp2(2*71)},
		"diagonal":  {s.Diagonal(), n / 12.},
		"degree":    {s.Degree(), n},
		"prime":     {s.Prime(1), 1 << 30},
	}
	for name, x := range want {
		if math.Abs(x[0]-x[1]) > 1e-12*x[1] {
			t.Errorf("%s: %g, want %g", name, x[0], x[1])
		}
	}
	// The longest moduli that plans take stay far from the ends of float64.
	long := make([]uint64, 30)
	for i := range long {
		long[i] = 1 << 49
	}
	if x := New(16, long, long[:6]).Switching(30, 1); !(x > 1 && x < 1e20) {
		t.Errorf("digits of 294 bits: %g", x)
	}
}
