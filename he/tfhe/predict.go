package tfhe

import (
	"context"

	"qtool/bundle"
	"qtool/he/internal/costmodel"
	"qtool/kernel/cpu"
)

// Prediction is what a program will need under encryption.
type Prediction struct {
	LogN    int
	LogQP   float64
	Lookups int // a sample
	// Work is the core seconds of the keys and of so many samples by the cost model of
	// the reference processor.
	Work float64
	// Seconds are seconds of one core with the kernels in use.
	Seconds float64
}

// Predict chooses for p, as NewPlan does, and predicts the work of so many samples. It
// builds no kernels, and the prediction, but for Seconds, is the same on every
// machine. The errors are NewPlan's.
func Predict(ctx context.Context, p *bundle.Program, samples int, o Options) (Prediction, error) {
	l, layers, _, err := choose(ctx, p, &o)
	if err != nil {
		return Prediction{}, err
	}
	n := lookups(layers)
	return Prediction{
		LogN: l.LogN, LogQP: float64(l.LogQ), Lookups: n,
		Work: l.work(n*samples, costmodel.Reference), Seconds: l.work(n*samples, cpu.Active),
	}, nil
}
