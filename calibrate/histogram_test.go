package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// values leans to zeros, equal values, both extremes of float32 and ordinary
// numbers.
func values(t *rapid.T, least int) []float32 {
	v := rapid.OneOf(
		rapid.SampledFrom([]float32{0, 1, -1, 0.5, math.SmallestNonzeroFloat32, math.MaxFloat32, -math.MaxFloat32}),
		rapid.Float32Range(-4, 4), rapid.Float32Range(0, 1), rapid.Float32Range(-1e6, 1e6),
	)
	return rapid.SliceOfN(v, least, 40).Draw(t, "values")
}

// Whatever the order and the batches, the bins are the bins of all values at once:
// each value in the bin of its own interval, bins no more than the limit, and
// one halving more would not fit.
func TestHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := values(t, 1)
		limit := rapid.IntRange(2, 70).Draw(t, "limit")
		whole := &Histogram{limit: limit}
		if err := whole.Observe(x); err != nil {
			t.Fatal(err)
		}
		parts := &Histogram{limit: limit}
		y := rapid.Permutation(x).Draw(t, "order")
		for len(y) > 0 {
			n := rapid.IntRange(1, len(y)).Draw(t, "batch")
			if err := parts.Observe(y[:n]); err != nil {
				t.Fatal(err)
			}
			y = y[n:]
		}
		if whole.log != parts.log || whole.first != parts.first || whole.count != float64(len(x)) ||
			!slices.EqualFunc(whole.bins, parts.bins, func(a, b bin) bool { return a.count == b.count }) {
			t.Fatalf("in one: 2^%d from %d, in parts: 2^%d from %d", whole.log, whole.first, parts.log, parts.first)
		}
		if len(whole.bins) > limit || whole.lo != slices.Min(x) || whole.hi != slices.Max(x) {
			t.Fatalf("%d bins for [%v, %v]", len(whole.bins), whole.lo, whole.hi)
		}
		for i, b := range whole.bins {
			lo, hi := whole.edges(i)
			n := 0.0
			for _, v := range x {
				if float64(v) >= lo && float64(v) < hi {
					n++
				}
			}
			if b.count != n {
				t.Fatalf("bin [%v, %v) counts %v values of %v", lo, hi, b.count, n)
			}
		}
		if span := float64(whole.hi) - float64(whole.lo); span/(whole.width()/2) < float64(limit)-1 && whole.log > finestLog(max(-whole.lo, whole.hi)) {
			t.Fatalf("width %v for a span of %v and %d bins", whole.width(), span, limit)
		}
	})
}

// A percentile is the exact one, up to a bin.
func TestPercentile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := values(t, 2)
		percent := float64(rapid.IntRange(501, 1000).Draw(t, "permille")) / 10
		o := observe(t, InputConfig{Bits: 4, Observer: "percentile", Percentile: percent}, x)
		lo, hi := rangeOf(t, o)
		slices.Sort(x)
		rank := 0 // the least number of values that makes up percent of them
		for ; float64(1000*rank) < math.Round(percent*10)*float64(len(x)); rank++ {
		}
		exactLo, exactHi := float64(x[len(x)-rank]), float64(x[rank-1])
		w := o.(*Percentile).width()
		if lo > exactLo || lo < exactLo-w || hi < exactHi || hi > exactHi+w {
			t.Fatalf("%v %% of %v: [%v, %v], exact [%v, %v], bins of %v", percent, x, lo, hi, exactLo, exactHi, w)
		}
	})
}

// Clipping for the least squared error never loses more than the full range
// does, beyond what bins across two cells may hide.
func TestMSENeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float32Range(-3, 5), 2, 40).Draw(t, "values")
		bits := rapid.IntRange(1, 5).Draw(t, "bits")
		o := observe(t, InputConfig{Bits: bits, Observer: "mse"}, x).(*MSE)
		lo, hi := rangeOf(t, o)
		full := squaredError(t, x, float64(o.lo), float64(o.hi), bits)
		got := squaredError(t, x, lo, hi, bits)
		step := (math.Max(float64(o.hi), 0) - math.Min(float64(o.lo), 0)) / float64(int(1)<<bits-1)
		if room := float64(len(x)) * (o.width()*step + 1e-6); got > full+room {
			t.Fatalf("%d bits of %v: [%v, %v] loses %v, the full range %v", bits, x, lo, hi, got, full)
		}
	})
}

// On a heavy tail all three histogram observers clip, and none loses less than
// mse.
func TestClippingHelps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 20000)
	for i := range x {
		x[i] = float32(math.Pow(r.ExpFloat64(), 2))
	}
	loss := map[string]float64{}
	for _, name := range Observers {
		lo, hi := rangeOf(t, observe(t, InputConfig{Bits: 4, Observer: name}, x))
		if clips := hi < float64(slices.Max(x)); clips != (name != "minmax") {
			t.Errorf("%s: range [%v, %v] of values up to %v", name, lo, hi, slices.Max(x))
		}
		loss[name] = squaredError(t, x, lo, hi, 4)
	}
	for name, e := range loss {
		if name != "mse" && e <= loss["mse"] {
			t.Errorf("%s loses %v, mse %v", name, e, loss["mse"])
		}
	}
}
