package bulk

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qtool/quant"
)

// What works on many values at once does what is defined for one.
func TestBulkIsItsParams(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }
	edges := []float32{0, math.SmallestNonzeroFloat32, -0x1p-126, math.MaxFloat32, -math.MaxFloat32, 0x1p24, 0.5, 1.5, -2.5,
		float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	for _, p := range []quant.Params{
		{Scale: 0.1, Bits: 4}, {Scale: 1.0 / 15, ZeroPoint: 3, Bits: 4}, {Scale: 0.7, Bits: 4, Signed: true, NarrowRange: true},
		{Scale: 0x1p-126, Bits: 16, Signed: true}, {Scale: 3e38, ZeroPoint: 255, Bits: 8}, {Scale: 1, Bits: 1},
		{Scale: 0.3, Bits: 1, Signed: true, NarrowRange: true},
	} {
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		x := slices.Clone(edges)
		for range 4000 {
			v := float32(r.NormFloat64())
			if r.IntN(2) == 0 { // near ties
				v = float32(r.IntN(70)-35) * 0.5 * p.Scale
				for range r.IntN(3) {
					v = math.Nextafter32(v, float32(r.IntN(3)-1))
				}
			}
			x = append(x, v)
		}
		codes, slopes, dy := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		for i := range dy {
			dy[i] = float32(r.NormFloat64())
		}
		if got, want := ScaleGradient(p, x, dy), p.ScaleGradient(x, dy); math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%+v: gradient of the scale %v, want %v", p, got, want)
		}
		Codes(p, codes, x)
		for i, v := range x {
			if !same(codes[i], p.Code(v)) {
				t.Errorf("%+v: %v has code %v, want %v", p, v, codes[i], p.Code(v))
			}
		}
		if p.Binary() {
			continue
		}
		clear(codes)
		Grid(p).Quantize(codes, x)
		Grid(p).QuantizeGrad(slopes, x, dy, 1/p.Scale)
		for i, v := range x {
			if !same(codes[i], p.Code(v)) {
				t.Errorf("%+v: %v has code %v, want %v", p, v, codes[i], p.Code(v))
			}
			want := 0 * dy[i]
			if p.Inside(v) {
				want = 1 / p.Scale * dy[i]
			}
			if !same(slopes[i], want) {
				t.Errorf("%+v: %v has gradient %v, want %v", p, v, slopes[i], want)
			}
		}
	}
}
