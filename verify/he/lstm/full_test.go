package lstm

import (
	"context"
	"math"
	"testing"

	"qtool/bundle/lstmtest"
)

// TestFullSize runs a whole batch of a cell of 16 elements and five steps under
// secure parameters.
func TestFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes and gigabytes")
	}
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 5, Inputs: 16, Hidden: 16}, 1, lstmtest.Variant{})
	plan, err := NewPlan(p, Options{})
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
	worst := compare(t, p, all, r)
	t.Logf("%+v, worst error %.3g of its bound %v", r.Cost, worst, r.Bound)
	if worst > 1 || math.IsNaN(worst) {
		t.Errorf("worst error is %.3g times its bound", worst)
	}
}
