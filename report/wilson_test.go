package report

import (
	"math"
	"testing"
)

// TestWilson has the four examples of Newcombe, "Two-sided confidence intervals
// for the single proportion", Statistics in Medicine 17 (1998), table I,
// method 3, as printed to four decimals.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n   int
		lo, hi float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0.0000, 0.1611},
		{1, 29, 0.0061, 0.1718},
	} {
		lo, hi := wilson(c.k, c.n)
		if math.Abs(lo-c.lo) > 5.1e-5 || math.Abs(hi-c.hi) > 5.1e-5 {
			t.Errorf("%d of %d: %.5f to %.5f, published %.4f to %.4f", c.k, c.n, lo, hi, c.lo, c.hi)
		}
	}
}

// TestWilsonEquation holds the ends against what defines them: the proportions
// from which the observed one is z standard errors away.
func TestWilsonEquation(t *testing.T) {
	for _, c := range [][2]int{{1, 2}, {9869, 10000}, {3, 7}, {299, 300}} {
		lo, hi := wilson(c[0], c[1])
		p := float64(c[0]) / float64(c[1])
		for _, end := range []float64{lo, hi} {
			if z := math.Abs(p-end) / math.Sqrt(end*(1-end)/float64(c[1])); math.Abs(z-z95) > 1e-9 {
				t.Errorf("%d of %d: the end %v is %v standard errors away, want %v", c[0], c[1], end, z, z95)
			}
		}
	}
	for _, c := range [][2]int{{0, 0}, {0, 5}, {5, 5}} {
		if lo, hi := wilson(c[0], c[1]); lo < 0 || hi > 1 || lo > hi {
			t.Errorf("%d of %d: %v to %v", c[0], c[1], lo, hi)
		}
	}
}
