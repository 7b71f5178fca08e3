package choose

import (
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he/bgv"
	"qtool/he/bgvlut"
)

// Maxima and products that are rounded need tables; exact products do not.
func TestBatchesOfGraphs(t *testing.T) {
	pair := []string{"input", "x"}
	for _, c := range []struct {
		name   string
		wiring *bundletest.Wiring
		tables bool
	}{
		{"sum", bundletest.Wire(2, 0, 2).Add("x", &bundle.Reshape{Shape: []int{2}}).Add("sum", &bundle.Add{Weights: []int32{1, 1}}, pair...), false},
		{"product", bundletest.Wire(2, 0, 2).Add("x", &bundle.Reshape{Shape: []int{2}}).Add("product", &bundle.Mul{}, pair...), false},
		{"rounded product", bundletest.Wire(2, 0, 2).Add("x", &bundle.Reshape{Shape: []int{2}}).Scaled(4, "product", &bundle.Mul{Shift: 2}, pair...), true},
		{"maximum", bundletest.Wire(2, 0, 1, 2, 2).Add("pool", &bundle.MaxPool{Kernel: bundle.Pair{1, 2}, Stride: bundle.Both(1)}).Add("flat", &bundle.Reshape{Shape: []int{2}}), true},
	} {
		plan, err := New(t.Context(), c.wiring.Done(t, 2), Options{Backend: "bgv", Samples: 10})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		_, exact := plan.Backend.(*bgv.Plan)
		_, tables := plan.Backend.(*bgvlut.Plan)
		if exact == c.tables || tables != c.tables {
			t.Errorf("%s: a plan of type %T", c.name, plan.Backend)
		}
	}
}
