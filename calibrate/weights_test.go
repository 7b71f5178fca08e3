package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qtool/quant"
)

// The least-squares scale loses no more than the one that reaches the largest
// weight, nor than a hundred others.
func TestLeastSquaresScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SliceOfN(rapid.OneOf(rapid.Float32Range(-1, 1), rapid.SampledFrom([]float32{0, 0.25, -0.5, 8})), 1, 30).Draw(t, "weights")
		bits := rapid.IntRange(1, 8).Draw(t, "bits")
		if bits == 1 && slices.Max(w) == 0 && slices.Min(w) == 0 {
			return
		}
		scales, err := WeightConfig{Bits: bits, Kind: "mse"}.Scales("fc", w, 1)
		if err != nil {
			t.Fatal(err)
		}
		top, err := quant.Symmetric(max(slices.Max(w), -slices.Min(w)), quant.BitWidth(bits))
		if err != nil {
			t.Fatal(err)
		}
		got := symmetricError(w, scales[0], bits)
		for i := 1; i <= 100; i++ {
			s := top.Scale * float32(i) / 100
			// float32's roundings: of the scale and in dividing by it.
			if other := symmetricError(w, s, bits); got > other+float64(len(w))*1e-6 {
				t.Fatalf("%d bits of %v: scale %v loses %v, scale %v only %v", bits, w, scales[0], got, s, other)
			}
		}
	})
}

// The search for many weights finds the optimum of the exact one, on bell-shaped
// weights to a ten thousandth of the error.
func TestFineSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, levels := range []int{1, 3, 7, 31} {
		f := fit{levels: levels}
		sum := 0.0
		for range 4000 {
			m := math.Abs(r.NormFloat64())
			f.magnitudes = append(f.magnitudes, m)
			f.fallback = max(f.fallback, m/float64(levels))
			sum += m * m
		}
		loss := func(s float64) float64 {
			product, squares := f.assign(s)
			return sum - s*(2*product-s*squares)
		}
		if exact, fine := loss(f.exact()), loss(f.fine()); fine > exact*1.0001 || fine < exact*(1-1e-9) {
			t.Errorf("%d levels: error %v, the optimum has %v", levels, fine, exact)
		}
	}
}

func TestWeightScales(t *testing.T) {
	w := []float32{0.5, -7, 1, 3.5, 0, -1, 0, 0, 0}
	for _, c := range []struct {
		config WeightConfig
		want   []float32
	}{
		{WeightConfig{Bits: 4}, []float32{1}},
		{WeightConfig{Bits: 4, Kind: "minmax", PerChannel: true}, []float32{1, 0.5, 1}},
		// 0.5, 7, 1 as 1, 7, 1 steps of sum |w| m / sum m^2; the others fit exactly.
		{WeightConfig{Bits: 4, Kind: "mse", PerChannel: true}, []float32{50.5 / 51, 0.5, 1}},
		{WeightConfig{Bits: 1, Kind: "mse"}, []float32{13.0 / 9}},
	} {
		if got, err := c.config.Scales("fc", w, 3); err != nil || !near(got, c.want) {
			t.Errorf("%+v: scales %v, %v, want %v", c.config, got, err, c.want)
		}
	}
	for _, c := range []struct {
		config WeightConfig
		w      []float32
		want   string
	}{
		{WeightConfig{Bits: 1, Kind: "mse", PerChannel: true}, w, `calibrate: layer "fc": weights of output channel 2: every value is 0, which a grid of -1 and +1 cannot hold`},
		{WeightConfig{Bits: 1, Kind: "mse"}, make([]float32, 9), `calibrate: layer "fc": weights: every value is 0`},
		{WeightConfig{Bits: 4, Kind: "mse"}, []float32{1, 2, float32(math.NaN())}, `calibrate: layer "fc": weight value NaN at element 2`},
		{WeightConfig{Bits: 17}, w, `17 bits is outside 1..16`},
	} {
		if got, err := c.config.Scales("fc", c.w, 3); err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
			t.Errorf("%+v: scales %v, error %v, want one with %q", c.config, got, err, c.want)
		}
	}
}

// near compares scales that were fitted in float64, to float32's last bits.
func near(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) <= 0x1p-22*float64(y) })
}

// A follower loses no more than the scale that it follows, and stays near the
// best scale of weights that move a little at a time (its error has many local
// minima at 8 bits).
func TestFollow(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 4))
	for _, bits := range []int{2, 3, 4, 8} {
		c := WeightConfig{Bits: bits, Kind: "mse", PerChannel: true}
		w := make([]float32, 2*500)
		for i := range w {
			w[i] = float32(r.NormFloat64())
		}
		scales, err := c.Scales("fc", w, 2)
		if err != nil {
			t.Fatal(err)
		}
		for step := range 300 {
			for i := range w {
				w[i] = 1.003*w[i] + 0.01*float32(r.NormFloat64())
			}
			next, err := c.Follow("fc", w, scales, 2)
			if err != nil {
				t.Fatal(err)
			}
			for g, s := range next {
				row := w[g*500 : (g+1)*500]
				// float32's rounding of the scale
				if before, after := symmetricError(row, scales[g], bits), symmetricError(row, s, bits); after > before*(1+1e-6) {
					t.Fatalf("%d bits, step %d, row %d: scale %v loses %v, %v before lost %v", bits, step, g, s, after, scales[g], before)
				}
			}
			scales = next
		}
		best, err := c.Scales("fc", w, 2)
		if err != nil {
			t.Fatal(err)
		}
		for g, s := range scales {
			row := w[g*500 : (g+1)*500]
			if got, least := symmetricError(row, s, bits), symmetricError(row, best[g], bits); got > 1.25*least {
				t.Errorf("%d bits, row %d: scale %v loses %v, the best %v only %v", bits, g, s, got, best[g], least)
			}
		}
	}
}

// What cannot be followed is searched: zeros, no scale yet, a shared scale that a
// bound has split, and every kind but mse.
func TestFollowSearches(t *testing.T) {
	w := []float32{1, -0.5, 0.25, 0.125}
	for name, c := range map[string]struct {
		config WeightConfig
		w      []float32
		scales []float32
	}{
		"no scales":      {WeightConfig{Bits: 4, Kind: "mse"}, w, nil},
		"minmax":         {WeightConfig{Bits: 4}, w, []float32{3}},
		"all integers 0": {WeightConfig{Bits: 4, Kind: "mse"}, w, []float32{100}},
		"zeros":          {WeightConfig{Bits: 4, Kind: "mse"}, make([]float32, 4), []float32{1}},
		"split":          {WeightConfig{Bits: 4, Kind: "mse"}, w, []float32{1, 2}},
		"binary":         {WeightConfig{Bits: 1, Kind: "mse"}, w, []float32{1}},
	} {
		got, err := c.config.Follow("fc", c.w, c.scales, 2)
		want, err2 := c.config.Scales("fc", c.w, 2)
		if err != nil || err2 != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v, %v", name, got, err, want, err2)
		}
	}
	bad := []float32{1, float32(math.NaN()), 0, 0}
	if _, err := (WeightConfig{Bits: 4, Kind: "mse"}).Follow("fc", bad, []float32{1}, 2); err == nil || !strings.Contains(err.Error(), `"fc"`) {
		t.Errorf("NaN: %v", err)
	}
}
