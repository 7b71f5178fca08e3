package bgv

import (
	"math"

	"qtool/bundle"
	"qtool/he/internal/log2"
	"qtool/kernel/cpu"
)

// Prediction is what a program will need under encryption.
type Prediction struct {
	// OutputBits is log2 of the width of the output's proved range, which the
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

// Predict plans p, as NewPlan does, and says what it will need for o.Images
// images, or for one batch where that is 0. It plans for the kernels of the
// fastest processors whatever this one has, so that the prediction, but for the
// Speed that makes seconds of it, is the same everywhere. The errors are
// NewPlan's.
func Predict(p *bundle.Program, o Options) (Prediction, error) {
	reference := cpu.IFMA
	o.kernels = &reference
	plan, err := NewPlan(p, o)
	if err != nil {
		return Prediction{}, err
	}
	return plan.predict(o.Images), nil
}

func (p *Plan) predict(images int) Prediction {
	batches := max(1, (images+p.Slots()-1)/p.Slots())
	primes := len(p.layout.t)
	return Prediction{
		OutputBits: log2.Int(width(p.output)), PlaintextPrimes: primes, PlaintextBits: log2.Product(p.layout.t),
		LogN: p.LogN(), LogQP: p.LogQ(), CiphertextPrimes: len(p.layout.q),
		Work: float64(batches*primes) * p.costs.batch(p.layout, p.segments) / 1e9,
	}
}

// Seconds is the predicted time of the run on a machine of that speed.
func (p Prediction) Seconds(s Speed) float64 {
	return p.Work * s.Factor / math.Max(float64(s.Workers), 1)
}
