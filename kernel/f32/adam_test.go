package f32

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A relative step has Apply's moments, and takes from each weight the share that
// Apply would take from it absolutely, but half at the most. The weights of Apply
// begin at 0, so that its step is what is left of them.
func TestApplyRelative(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, rate := range []float32{0.01, 0.3, 2} {
		a := AdamStep{rate, 0.9, 0.1, 0.999, 0.001, 1.5, 1e-8, 0.5}
		var w, m, v, g []float32
		for range 50 {
			w, m = append(w, float32(math.Exp(20*r.NormFloat64()))), append(m, float32(r.NormFloat64()))
			v, g = append(v, float32(math.Abs(r.NormFloat64()))), append(g, float32(r.NormFloat64()))
		}
		g[0], m[0] = 0, 0
		steps, m2, v2 := make([]float32, len(w)), slices.Clone(m), slices.Clone(v)
		a.Apply(steps, m2, v2, g)
		before := slices.Clone(w)
		a.ApplyRelative(w, m, v, g)
		if !slices.Equal(m, m2) || !slices.Equal(v, v2) {
			t.Errorf("rate %v: other moments than Apply's", rate)
		}
		halved := 0
		for k := range w {
			share := -float64(steps[k])
			if math.Abs(share) >= 0.5 {
				halved++
			}
			want := float64(before[k]) * (1 - min(max(share, -0.5), 0.5))
			if math.Abs(float64(w[k])-want) > 0x1p-23*want { // two roundings
				t.Errorf("rate %v: weight %v became %v, want %v", rate, before[k], w[k], want)
			}
		}
		if w[0] != before[0] {
			t.Errorf("rate %v: a weight without gradient moved from %v to %v", rate, before[0], w[0])
		}
		if rate == 2 && halved == 0 || rate == 0.01 && halved > 0 {
			t.Errorf("rate %v: %d steps of a half", rate, halved)
		}
	}
}
