package op

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"qtool/quant"
)

// The straight-through estimator's declared surrogate is
//
//	clamp(x/scale, lo - 1/2, hi + 1/2)
//
// for the centred grid lo..hi: 1/scale where rounding stays on the grid, 0
// where it was clamped. Its finite differences, away from the kinks, are the
// gradient.
func TestFakeQuantizeGradient(t *testing.T) {
	p := quant.Params{Scale: 0.25, ZeroPoint: 3, Bits: 3} // centred grid -3..4
	in := array{Shape: []int{2, 10}, Data: []float32{
		0, 0.1, -0.1, 0.3, 0.99, -0.74, 0.8, -0.8, 1.05, -0.85,
		1.2, -0.95, 5, -5, 1e30, -1e30, 0.5, 0.26, -0.26, 0.7,
	}}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		return FakeQuantize("x", v[0], Quantizer{Codes: p.Codes, Grad: func(dx, x, dy []float32) {
			for i, v := range x {
				dx[i] = 0
				if p.Inside(v) {
					dx[i] = dy[i] / p.Scale
				}
			}
		}})
	}, []array{in}, 0)
	for i, code := range h.output() {
		if want := float32(p.Quantize(in.Data[i]) - p.ZeroPoint); code != want {
			t.Errorf("code of %v is %v, want %v", in.Data[i], code, want)
		}
	}
	surrogate := func(x float64) float64 { return min(max(x/0.25, -3.5), 4.5) }
	upstream := h.upstream.Data().([]float32)
	passed := 0
	for i, got := range h.gradient(0) {
		const step = 1.0 / 256
		x := float64(in.Data[i])
		slope := (surrogate(x+step) - surrogate(x-step)) / (2 * step)
		if slope != 0 {
			passed++
		}
		// The slopes are 0 and 4; float64 rounds the difference by 2^-50/step.
		if want := slope * float64(upstream[i]); math.Abs(float64(got)-want) > 0x1p-40 {
			t.Errorf("gradient at %v is %v, the surrogate's is %v", x, got, want)
		}
	}
	if passed != 14 {
		t.Errorf("the gradient passes at %d of 20 points, want 14", passed)
	}
}

// A quantizer without a gradient stops the gradient and says so when asked for it.
func TestFakeQuantizeWithoutSlopes(t *testing.T) {
	p := quant.Params{Scale: 1, Bits: 4}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		return FakeQuantize("x", v[0], Quantizer{Codes: p.Codes})
	}, []array{{[]int{1, 2}, []float32{1.4, 99}}})
	wantExactly(t, "codes", h.output(), []float64{1, 15})
}

// Scales are read at each run.
func TestFakeQuantizeFollowsScale(t *testing.T) {
	p := quant.Params{Scale: 1, Bits: 4}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		return FakeQuantize("x", v[0], Quantizer{Codes: func(dst, x []float32) { p.Codes(dst, x) }})
	}, []array{{[]int{1, 2}, []float32{2, 3}}})
	wantExactly(t, "codes", h.output(), []float64{2, 3})
	p.Scale = 0.5
	wantExactly(t, "codes", h.output(), []float64{4, 6})
}
