package lstm

import (
	"context"
	"math"
	"testing"

	"qtool/bundle/lstmtest"
	"qtool/he/internal/hetest"
)

// TestFullSize runs a whole batch of a cell of 16 elements and five steps under
// secure parameters.
func TestFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes and gigabytes")
	}
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 5, Inputs: 16, Hidden: 16}, 1, lstmtest.Variant{})
	plan, err := NewPlan(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.Why() {
		t.Log(w)
	}
	if plan.SecurityBits() != 128 || plan.logN != 16 {
		t.Errorf("%d bits of security in degree 2^%d", plan.SecurityBits(), plan.logN)
	}
	all := lstmtest.Sequences(p, plan.Slots(), 1)
	r, err := NewExecutor(p, plan).Run(context.Background(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	worst := compare(t, p, all, hetest.Approximate(t, r))
	t.Logf("%+v, worst error %.3g of its bound %v", r.Cost, worst, hetest.Approximate(t, r).Bound)
	if worst > 1 || math.IsNaN(worst) {
		t.Errorf("worst error is %.3g times its bound", worst)
	}
}

// More steps leave fewer bits for each prime, and less precision.
func TestStepsAndBits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	for _, v := range []lstmtest.Variant{{}, {LinearCell: true}} {
		before := math.Inf(1)
		for steps := 5; steps <= 8; steps++ {
			p := lstmtest.Polynomial(lstmtest.Shape{Steps: steps, Inputs: 16, Hidden: 16}, 1, v)
			plan, err := NewPlan(t.Context(), p, Options{LogN: 16, Bits: 2})
			if err != nil {
				t.Logf("%d steps, linear cell %v: %v", steps, v.LinearCell, err)
				continue
			}
			t.Logf("%d steps, linear cell %v: %d primes of %d bits, %d special, log QP %.0f; %.1f bits of precision",
				steps, v.LinearCell, plan.params.QCount(), plan.message, plan.params.PCount(), plan.LogQP(), plan.Bits())
			if plan.SecurityBits() != 128 || plan.Bits() >= before {
				t.Errorf("%d steps: %d bits of security, %.1f of precision", steps, plan.SecurityBits(), plan.Bits())
			}
			before = plan.Bits()
		}
	}
}
