package packed

import (
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// A tuned plan is measured and rehearsed: every stage has a time, and the plan is one
// that works.
func TestInsecureRehearsal(t *testing.T) {
	b := bundletest.New(1, 4, 1, 10, 10).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Conv(3, 3, 1, 0, 7).Square().Dense(4, 7)
	p := b.Observed()
	plan, err := NewPlan(t.Context(), p, Options{LogN: 10, AllowInsecure: true, TuneTimings: true})
	if err != nil {
		t.Fatal(err)
	}
	c := plan.costs.Limb
	for _, ns := range []float64{c.NTT, c.Extend, c.Product, c.Key, c.Move, c.Section, plan.costs.Encrypt} {
		if ns <= 0 {
			t.Errorf("costs %+v", plan.costs)
		}
	}
	sum := 0.0
	for i, s := range plan.rehearsed {
		if s[0] <= 0 || s[1] < 0 || s[1] == 0 && plan.lowered.Stages[i].Multiplies() {
			t.Errorf("stage %d is predicted to take %v s", i, s)
		}
		sum += s[0] + s[1]
	}
	if len(plan.rehearsed) != len(plan.lowered.Stages) || plan.Predicted() != sum {
		t.Errorf("%v are predicted as %v", plan.rehearsed, plan.Predicted())
	}
	r := runBoth(t, NewExecutor(p, plan), b.Samples(1))
	if l := hetest.Account[*he.Latency](t, r); l.Predicted != sum || l.Plan <= 0 {
		t.Errorf("latency %+v", l)
	}
}
