package quant

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// In float32's own range of normal numbers, Round24 is the conversion to float32.
func TestRound24(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-0x1p127, 0x1p127).Draw(t, "x")
		if math.Abs(x) >= 0x1p-126 && Round24(x) != float64(float32(x)) {
			t.Fatalf("Round24(%v) = %v, float32 is %v", x, Round24(x), float32(x))
		}
		e := rapid.IntRange(-800, 800).Draw(t, "e")
		if got, want := Round24(math.Ldexp(x, e)), math.Ldexp(Round24(x), e); x != 0 && math.Abs(x) > 0x1p-100 && got != want {
			t.Fatalf("Round24(%v * 2^%d) = %v, want %v", x, e, got, want)
		}
	})
	for _, x := range []float64{0, math.Inf(1), math.Inf(-1), 1 << 24, 1<<24 + 1, 1<<24 + 3, -(1<<25 + 2)} {
		if got := Round24(x); got != float64(float32(x)) {
			t.Errorf("Round24(%v) = %v", x, got)
		}
	}
	if !math.IsNaN(Round24(math.NaN())) {
		t.Error("NaN is lost")
	}
}
