package bgvlut

import (
	"qtool/bundle"
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
	// Seconds are those of one core with the kernels in use.
	Seconds float64
}

// Predict plans p, as NewPlan does, for o.Images images, or for one batch where
// that is 0. It plans for the kernels of the fastest processors whatever this one
// has, so that the prediction, but for Seconds, is the same everywhere, and in a fraction of
// NewPlan's time, since it interpolates nothing. The errors are NewPlan's.
func Predict(p *bundle.Program, o Options) (Prediction, error) {
	o.reference = true
	s, l, err := choose(p, o)
	if err != nil {
		return Prediction{}, err
	}
	slots := 1 << l.logN
	batches := float64(max(1, (o.Images+slots-1)/slots))
	work := func() float64 { return batches * l.costs(s.stages, s.fields[l.t]).total(s.stages) / 1e9 }
	reference := work()
	l.kernels = cpu.Active
	return Prediction{
		LogN: l.logN, LogQP: l.logQP(), PlaintextBits: elementary.Log2(float64(l.t)), CiphertextPrimes: len(l.q),
		Work: reference, Seconds: work(),
	}, nil
}
