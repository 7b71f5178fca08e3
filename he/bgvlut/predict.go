package bgvlut

import (
	"context"

	"qtool/bundle"
	"qtool/he/internal/costmodel"
	"qtool/internal/elementary"
	"qtool/kernel/cpu"
)

// Prediction is what a program will need under encryption.
type Prediction struct {
	LogN             int
	LogQP            float64
	PlaintextBits    float64 // log2 of the plaintext prime
	CiphertextPrimes int
	// Work is the core seconds of the whole run by the cost model, without key
	// generation.
	Work float64
	// Seconds are seconds of one core with the kernels in use.
	Seconds float64
}

// Predict plans p, as NewPlan does, for o.Samples samples, or for one batch where
// that is 0. The prediction, but for Seconds, is the same on every machine. It takes
// a fraction of NewPlan's time, since it interpolates nothing. The errors are
// NewPlan's.
func Predict(ctx context.Context, p *bundle.Program, o Options) (Prediction, error) {
	o.sketch = true
	s, l, err := choose(ctx, p, o)
	if err != nil {
		return Prediction{}, err
	}
	slots := l.slots()
	batches := float64(max(1, (o.Samples+slots-1)/slots))
	work := func(level cpu.Level) float64 {
		return batches * l.costs(s.inputs(), s.stages, s.tables(l), level).total() / 1e9
	}
	return Prediction{
		LogN: l.logN, LogQP: l.logQP(), PlaintextBits: elementary.Log2(float64(l.t)), CiphertextPrimes: len(l.q),
		Work: work(costmodel.Reference), Seconds: work(cpu.Active),
	}, nil
}
