package tfhe

import (
	"testing"

	"qtool/kernel/cpu"
)

// The prediction is the plan's, whatever kernels are in use and whether this processor
// has them or not: predictions build none.
func TestPredict(t *testing.T) {
	active := cpu.Active
	defer func() { cpu.Active = active }()
	p := domainNet(t, 32)
	plan, err := NewPlan(t.Context(), p, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for level := cpu.Portable; level <= cpu.IFMA; level++ {
		cpu.Active = level
		got, err := Predict(t.Context(), p, 7, Options{})
		if want := (Prediction{plan.params.LogN, float64(plan.params.LogQ), 48, plan.Work(7), got.Seconds}); err != nil || got != want || (got.Seconds == got.Work) != (level == cpu.IFMA) {
			t.Errorf("%v: predicted %+v, %v, planned %+v", level, got, err, want)
		}
	}
}
