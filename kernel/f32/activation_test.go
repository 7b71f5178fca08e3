package f32

import (
	"math"
	"testing"
)

// ulps is how far y is from the true value, in units of the last place of the
// float32 nearest to it (of 2^-126, for smaller ones).
func ulps(y float32, want float64) float64 {
	_, e := math.Frexp(math.Max(math.Abs(want), 0x1p-126))
	return math.Abs(float64(y)-want) / math.Ldexp(1, e-24)
}

// Every 997th float32, both signs, against math in float64; every 16381st with -short.
func TestActivationsAreAccurate(t *testing.T) {
	step := uint64(997)
	if testing.Short() {
		step = 16381
	}
	for _, c := range []struct {
		name  string
		f     func(float32) float32
		exact func(float64) float64
		limit float64
		want  func(float32) bool
	}{
		{"tanh", tanh, math.Tanh, 1.7, nil},
		{"sigmoid", sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 2.2, nil},
		{"exp", exp, math.Exp, 1.2, func(x float32) bool { return x <= 0 }},
	} {
		worst, at, n := 0.0, float32(0), 0
		for b := uint64(0); b < 1<<32; b += step {
			x := math.Float32frombits(uint32(b))
			if x != x || c.want != nil && !c.want(x) {
				continue
			}
			n++
			if e := ulps(c.f(x), c.exact(float64(x))); !(e <= worst) {
				worst, at = e, x
			}
		}
		t.Logf("%s: %.3f units in the last place at %v, worst of %d", c.name, worst, at, n)
		if !(worst <= c.limit) || uint64(n) < 1<<30/step {
			t.Errorf("%s: %.3f units in the last place at %v of %d values, want at most %v", c.name, worst, at, n, c.limit)
		}
	}
}

func TestActivationEdges(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct{ got, want float32 }{
		{tanh(inf), 1}, {tanh(-inf), -1}, {tanh(nan), nan}, {tanh(float32(math.Copysign(0, -1))), float32(math.Copysign(0, -1))},
		{sigmoid(inf), 1}, {sigmoid(-inf), 0}, {sigmoid(nan), nan}, {sigmoid(0), 0.5}, {exp(0), 1}, {exp(-inf), 0},
	} {
		if !same(c.got, c.want) {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
}
