package tfhe

import (
	"qtool/bundle"
	"qtool/kernel/cpu"
)

// Prediction is what a program will need under encryption.
type Prediction struct {
	LogN    int
	LogQP   float64
	Lookups int // an image
	// Work is the core seconds of the keys and of so many images.
	Work float64
	// Seconds are those of one core with the kernels in use.
	Seconds float64
}

// Predict plans p, as NewPlan does, and predicts the work of so many images. It
// plans for the kernels of the fastest processors whatever this one has, so that
// the prediction, but for Seconds, is the same everywhere. The errors are NewPlan's.
func Predict(p *bundle.Program, images int, o Options) (Prediction, error) {
	o.reference, o.Workers = true, 1
	plan, err := NewPlan(p, o)
	if err != nil {
		return Prediction{}, err
	}
	n := Prediction{LogN: plan.params.LogN, LogQP: float64(plan.params.LogQ), Lookups: plan.Lookups(), Work: plan.PredictedSeconds(images)}
	plan.kernels = cpu.Active
	n.Seconds = plan.PredictedSeconds(images)
	return n, nil
}
