package tfhe

import (
	"testing"

	"qtool/kernel/cpu"
)

// The prediction is the plan's with the fastest kernels, whatever is in use.
func TestPredict(t *testing.T) {
	active := cpu.Active
	defer func() { cpu.Active = active }()
	p := domainNet(t, 32)
	cpu.Active = cpu.IFMA
	plan, err := NewPlan(p, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []cpu.Level{cpu.Portable, cpu.IFMA} {
		cpu.Active = level
		got, err := Predict(p, 7, Options{})
		if want := (Prediction{plan.params.LogN, float64(plan.params.LogQ), 48, plan.PredictedSeconds(7), got.Seconds}); err != nil || got != want || (got.Seconds == got.Work) != (level == cpu.IFMA) {
			t.Errorf("%v: predicted %+v, %v, planned %+v", level, got, err, want)
		}
	}
}
