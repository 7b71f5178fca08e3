package he_test

import (
	"math"
	"math/big"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qtool/bundle"
	"qtool/he"
)

func TestLookupsAdd(t *testing.T) {
	first := he.Lookups{
		Done: 30, Missed: 1, Failed: 1, Expected: 0.5, PerLookup: 0.01, PerSample: 0.1, Milliseconds: 2, SecondsPerSample: 1,
		Layers: []he.LookupNoise{{Layer: "a", Done: 30, Missed: 1, Failed: 1, Predicted: 0.3, Measured: 0.3}}, FailedSamples: []int{2},
	}
	second := he.Lookups{
		Done: 10, Missed: 2, Expected: 0.25, PerLookup: 0.01, PerSample: 0.1, Milliseconds: 6, SecondsPerSample: 3,
		Layers: []he.LookupNoise{{Layer: "a", Done: 10, Missed: 2, Predicted: 0.3, Measured: 0.5}}, FailedSamples: []int{0},
	}
	var got he.Lookups
	got.Add(&first, 0)
	got.Add(&second, 3)
	want := he.Lookups{
		Done: 40, Missed: 3, Failed: 1, Expected: 0.75, PerLookup: 0.01, PerSample: 0.1, Milliseconds: 3, SecondsPerSample: 1.5,
		Layers:        []he.LookupNoise{{Layer: "a", Done: 40, Missed: 3, Failed: 1, Predicted: 0.3, Measured: math.Sqrt((30*0.09 + 10*0.25) / 40)}},
		FailedSamples: []int{2, 3},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); d != "" {
		t.Errorf("added (-want +got):\n%s", d)
	}
	if first.Layers[0].Done != 30 || first.FailedSamples[0] != 2 || len(first.FailedSamples) != 1 {
		t.Errorf("the account that was added has changed: %+v", first)
	}
}

func vec(x ...int64) bundle.Vec { return bundle.Vec{Small: x} }

// Runs one behind the other are one run: what is counted is added up, what is bounded is
// the worst, what is typical the median.
func TestJoin(t *testing.T) {
	run := func(x float64, n int) *he.Result {
		r := &he.Result{Accounts: []he.Account{
			he.NodeSeconds{x, 2 * x}, he.Noise{BitsLeft: 10 - x},
			&he.Latency{Encrypt: x, Evaluate: 10 * x, Decrypt: 100 * x, First: 5 + x, Plan: 3, Encode: 2 - x, Predicted: 7},
			&he.Lookups{Done: n, FailedSamples: []int{0}},
			he.Domains{{Layer: "lstm", SeenLo: -x, SeenHi: x}},
		}}
		r.Cost.Seconds.Encrypt, r.Cost.Bytes.Keys = x, int64(x)
		answers := he.Exact{}
		for range n {
			answers = append(answers, vec(int64(x)))
		}
		r.Answers = answers
		return r
	}
	first := run(1, 2)
	got := he.Join([]*he.Result{first, run(2, 1), run(3, 1)})
	want := &he.Result{
		Answers: he.Exact{vec(1), vec(1), vec(2), vec(3)},
		Accounts: []he.Account{
			he.Noise{BitsLeft: 7}, he.NodeSeconds{6, 12},
			&he.Latency{Encrypt: 2, Evaluate: 20, Decrypt: 200, First: 6, Plan: 3, Encode: 1, Predicted: 7},
			&he.Lookups{Done: 4, Layers: []he.LookupNoise{}, FailedSamples: []int{0, 2, 3}},
			he.Domains{{Layer: "lstm", SeenLo: -3, SeenHi: 3}},
		},
	}
	want.Cost.Seconds.Encrypt, want.Cost.Bytes.Keys = 6, 3
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("joined (-want +got):\n%s", d)
	}
	if d := cmp.Diff(run(1, 2), first); d != "" {
		t.Errorf("the first run has changed:\n%s", d)
	}

	near := func(x float64) *he.Result {
		return &he.Result{Answers: he.Approximate{Reals: [][]float64{{x}}, Bound: []float64{x}, Usual: []float64{-x}}}
	}
	answers := he.Approximate{Reals: [][]float64{{1}, {2}}, Bound: []float64{2}, Usual: []float64{-1}}
	if got := he.Join([]*he.Result{near(1), near(2)}); !reflect.DeepEqual(got.Answers, he.Answers(answers)) || len(got.Accounts) != 0 {
		t.Errorf("%+v, want %+v", got, answers)
	}
	if got := he.Join(nil); got.Answers != nil || len(got.Accounts) != 0 {
		t.Errorf("no runs: %+v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("integers are joined with reals")
		}
	}()
	he.Join([]*he.Result{first, near(1)})
}

// Both kinds of answers name the same label for the same reals, the first of equals;
// scales may differ by output, and be negative.
func TestLabel(t *testing.T) {
	large := new(big.Int).Lsh(big.NewInt(3), 80)
	for _, c := range []struct {
		scale []float64
		logit []int64
		want  int
	}{
		{[]float64{1}, []int64{-3, 4, 2}, 1}, {[]float64{1}, []int64{5, 5, 2}, 0}, {[]float64{-1}, []int64{5, 4, 4}, 1},
		{[]float64{1, 10, 1}, []int64{20, 3, 4}, 1}, {[]float64{0.5}, []int64{-9}, 0},
	} {
		out := &bundle.Node{Scale: c.scale}
		var reals []float64
		for _, x := range c.logit {
			reals = append(reals, float64(x))
		}
		if got := (he.Exact{vec(c.logit...)}).Label(out, 0); got != c.want {
			t.Errorf("integers %v at %v: label %d, want %d", c.logit, c.scale, got, c.want)
		}
		if got := (he.Approximate{Reals: [][]float64{reals}}).Label(out, 0); got != c.want {
			t.Errorf("reals %v at %v: label %d, want %d", reals, c.scale, got, c.want)
		}
	}
	if got := (he.Exact{{Big: []*big.Int{big.NewInt(1), large}}}).Label(&bundle.Node{Scale: []float64{1}}, 0); got != 1 {
		t.Errorf("of 1 and %v the first is the larger", large)
	}
	if got := (he.Approximate{Reals: [][]float64{{math.NaN(), -1}}}).Label(&bundle.Node{Scale: []float64{1}}, 0); got != 1 {
		t.Error("a NaN is the largest")
	}
}
