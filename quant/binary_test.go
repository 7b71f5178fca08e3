package quant

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The binary grid keeps the sign: zero, of either sign, counts as positive.
func TestBinary(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	p := Params{Scale: 0.25, Bits: 1, Signed: true, NarrowRange: true}
	x := []float32{0, float32(math.Copysign(0, -1)), tiny, -tiny, 0.1, -0.1, 9, -9, inf, -inf, nan}
	want := []float32{1, 1, 1, -1, 1, -1, 1, -1, 1, -1, 1}
	codes := make([]float32, len(x))
	p.Codes(codes, x)
	for i, v := range x {
		if codes[i] != want[i] || p.Quantize(v) != int32(want[i]) || p.FakeQuantize(v) != 0.25*want[i] {
			t.Errorf("%v: code %v, integer %d, value %v, want %v", v, codes[i], p.Quantize(v), p.FakeQuantize(v), want[i])
		}
		if p.Inside(v) != (v == v) {
			t.Errorf("Inside(%v) = %v", v, p.Inside(v))
		}
	}
}

// No other choice of signs is nearer to the values.
func TestBinaryIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Params{Scale: rapid.Float32Range(1e-3, 1e3).Draw(t, "scale"), Bits: 1, Signed: true, NarrowRange: true}
		x := rapid.Float32Range(-1e3, 1e3).Draw(t, "x")
		y := p.FakeQuantize(x)
		if math.Abs(float64(y)-float64(x)) > math.Abs(float64(-y)-float64(x)) {
			t.Fatalf("%v becomes %v", x, y)
		}
		if p.FakeQuantize(y) != y || p.Dequantize(p.Quantize(x)) != y {
			t.Fatalf("%v becomes %v, then %v", x, y, p.FakeQuantize(y))
		}
	})
}
