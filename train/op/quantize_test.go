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

// A learned scale gets what ScaleGradient says of the input and the codes'
// gradient, beside the input's own or without it.
func TestFakeQuantizeLearnedScale(t *testing.T) {
	p := quant.Params{Scale: 0.5, Bits: 3}
	scale := array{[]int{2}, []float32{0.5, 0.5}}
	in := array{[]int{2, 3}, []float32{0.5, 1.25, 9, -1, 2, 0.25}}
	for _, inputGrad := range []bool{true, false} {
		build := func(v []*G.Node) (*G.Node, error) {
			q := Quantizer{Codes: p.Codes, Scale: v[1], ScaleGradient: func(dst, x, dcode []float32) {
				for g := range dst {
					dst[g] = 0
					for k := 3 * g; k < 3*g+3; k++ {
						dst[g] += x[k] * dcode[k]
					}
				}
			}}
			if inputGrad {
				q.Grad = func(dx, x, dcode []float32) {
					for i := range dx {
						dx[i] = 4 * dcode[i]
					}
				}
			}
			return FakeQuantize("x", v[0], q)
		}
		wrt := []int{1}
		if inputGrad {
			wrt = []int{0, 1}
		}
		h := newHarness(t, build, []array{in, scale}, wrt...)
		wantExactly(t, "codes", h.output(), []float64{1, 2, 7, 0, 4, 0}) // 2.5 and 0.5 to even
		u := h.upstream.Float32s()
		var want [2]float64
		for i, x := range in.Data {
			want[i/3] += float64(x * u[i])
		}
		wantExactly(t, "scale gradient", h.gradient(1), want[:])
		if inputGrad {
			for i, g := range h.gradient(0) {
				if g != 4*u[i] {
					t.Errorf("gradient at %d is %v, want %v", i, g, 4*u[i])
				}
			}
		}
	}
}

// Ties go to the even multiple; the gradient is the identity's.
func TestRoundTo(t *testing.T) {
	for _, c := range []struct {
		unit  float32
		shape []int
	}{{8, []int{1, 9}}, {0.5, []int{3, 1, 1, 3}}} {
		in := array{c.shape, nil}
		for _, k := range []float32{0, 0.5, 1.5, -0.5, -1.5, 2.25, -2.75, 1000000.5, 3} {
			in.Data = append(in.Data, c.unit*k)
		}
		h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return RoundTo(v[0], c.unit) }, []array{in}, 0)
		var want []float64
		for _, k := range []float64{0, 0, 2, 0, -2, 2, -3, 1000000, 3} {
			want = append(want, float64(c.unit)*k)
		}
		wantExactly(t, "rounded", h.output(), want)
		wantExactly(t, "gradient", h.gradient(0), wide(h.upstream.Float32s()))
	}
}

// The sign of 0 and of -0 is 1; the gradient is the one of the identity clamped to -1..1.
func TestSign(t *testing.T) {
	in := array{[]int{2, 4}, []float32{-5, -1, -0.5, float32(math.Copysign(0, -1)), 0, 0.75, 1, 7}}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Sign(v[0]) }, []array{in}, 0)
	wantExactly(t, "sign", h.output(), []float64{-1, -1, -1, 1, 1, 1, 1, 1})
	var want []float64
	for i, passes := range []float64{0, 0, 1, 1, 1, 1, 0, 0} {
		want = append(want, passes*float64(h.upstream.Float32s()[i]))
	}
	wantExactly(t, "gradient", h.gradient(0), want)
}
