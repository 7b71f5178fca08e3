package datasets

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestSincos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.OneOf(rapid.Float64Range(-math.Pi, math.Pi),
			rapid.SampledFrom([]float64{0, 1e-300, math.Pi, -math.Pi, math.Pi / 2})).Draw(t, "x")
		sin, cos := sincos(x)
		wantSin, wantCos := math.Sincos(x)
		if math.Abs(sin-wantSin) > 1e-14 || math.Abs(cos-wantCos) > 1e-14 {
			t.Fatalf("sincos(%v) = %v, %v, want %v, %v", x, sin, cos, wantSin, wantCos)
		}
	})
}

// The moments that source.bell promises.
func TestBell(t *testing.T) {
	r := newSource(1)
	const n = 100000
	var sum, squares float64
	for range n {
		v := r.bell(2)
		if math.Abs(v) > 2*3.4642 {
			t.Fatalf("draw %v is beyond the tails", v)
		}
		sum += v
		squares += v * v
	}
	// Five standard errors: 2/sqrt(n) of the mean, at most 4*sqrt(2/n) of the variance.
	if mean := sum / n; math.Abs(mean) > 5*2/math.Sqrt(n) {
		t.Errorf("mean %v, want 0", mean)
	}
	if variance := squares / n; math.Abs(variance-4) > 5*4*math.Sqrt(2.0/n) {
		t.Errorf("variance %v, want 4", variance)
	}
}
