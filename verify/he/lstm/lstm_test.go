package lstm

import (
	"context"
	"math"
	"testing"

	"qtool/bundle"
	"qtool/internal/lstmtest"
	"qtool/verify"
)

// insecure is a plan in a ring too small to be secure.
func insecure(t testing.TB, p *bundle.Program, logN int) *Plan {
	t.Helper()
	plan, err := NewPlan(p, Options{LogN: logN, AllowInsecure: true})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// compare holds results against the integer reference: the worst error, over its
// bound.
func compare(t testing.TB, p *bundle.Program, sequences [][]uint8, r *verify.Result) float64 {
	t.Helper()
	ref, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Reals) != len(sequences) {
		t.Fatalf("%d results for %d sequences", len(r.Reals), len(sequences))
	}
	worst := 0.0
	for i, s := range sequences {
		want, err := ref.Run(p.Input.Quantize(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		for o := range want.Len() {
			worst = math.Max(worst, math.Abs(r.Reals[i][o]-want.Float(o))/r.Bound[o])
		}
	}
	return worst
}

func TestInsecureRun(t *testing.T) {
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 2, Inputs: 6, Hidden: 4}, 1)
	plan := insecure(t, p, 11)
	t.Log(plan.Bits(), plan.ErrorBound())
	for _, w := range plan.Why() {
		t.Log(w)
	}
	all := lstmtest.Sequences(p, 20, 1)
	r, err := NewExecutor(p, plan).Run(context.Background(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	if worst := compare(t, p, all, r); worst > 1 || math.IsNaN(worst) {
		t.Errorf("worst error is %.3g times its bound", worst)
	}
}
