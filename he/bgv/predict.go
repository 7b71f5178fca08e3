package bgv

import (
	"context"
	"math"

	"qtool/bundle"
	"qtool/he/internal/costmodel"
	"qtool/he/internal/log2"
	"qtool/kernel/cpu"
)

// Prediction is what a program will need under encryption.
type Prediction struct {
	// OutputBits is log2 of the width of the output's static bound, which the
	// plaintext primes must carry.
	OutputBits      float64 `json:"output_bits"`
	PlaintextPrimes int     `json:"plaintext_primes"`
	// PlaintextBits is log2 of the primes' product.
	PlaintextBits    float64 `json:"plaintext_bits"`
	LogN             int     `json:"log_n"`
	LogQP            float64 `json:"log_qp"`
	CiphertextPrimes int     `json:"ciphertext_primes"`
	// Work is the core seconds of the whole run by the constants of the cost
	// model, without key generation: times a machine's Speed, divided by its
	// workers, it is seconds.
	Work float64 `json:"work"`
}

// Predict chooses for p, as NewPlan does, and says what it will need for o.Samples
// samples, or for one batch where that is 0. It builds no kernels, and the
// prediction, but for the Speed that makes seconds of it, is the same on every
// machine. The errors are NewPlan's.
func Predict(ctx context.Context, p *bundle.Program, o Options) (Prediction, error) {
	s, l, err := choose(ctx, p, o)
	if err != nil {
		return Prediction{}, err
	}
	return Prediction{
		OutputBits: log2.Int(width(s.output)), PlaintextPrimes: len(l.t), PlaintextBits: log2.Product(l.t),
		LogN: l.logN, LogQP: l.logQ(), CiphertextPrimes: len(l.q),
		Work: l.work(s.circuit, max(1, o.Samples), costmodel.Reference),
	}, nil
}

// work is the predicted core seconds of so many samples with a level's kernels.
func (l *layout) work(c *circuit, samples int, level cpu.Level) float64 {
	slots := 1 << l.logN
	batches := (samples + slots - 1) / slots
	return float64(batches*len(l.t)) * l.costs(c, level).batch(l, c) / 1e9
}

// Work is the core seconds for so many samples by the cost model of the reference
// processor: the same on every machine.
func (p *Plan) Work(samples int) float64 {
	return p.layout.work(p.circuit, samples, costmodel.Reference)
}

// PredictedSeconds is the predicted time of the workers for so many samples, with
// this processor's kernels.
func (p *Plan) PredictedSeconds(samples int) float64 {
	return p.layout.work(p.circuit, samples, p.level) / float64(p.workers)
}

// Seconds is the predicted time of the run on a machine of that speed.
func (p Prediction) Seconds(s Speed) float64 {
	return p.Work * s.Factor / math.Max(float64(s.Workers), 1)
}
