package lstm

import (
	"context"

	"qtool/bundle"
	"qtool/he/internal/costmodel"
	"qtool/kernel/cpu"
)

// Prediction is what a program needs, and what it costs.
type Prediction struct {
	LogN   int
	LogQP  float64
	Primes int // of ciphertexts, the special ones not counted
	Slots  int // sequences of a batch
	// Work is the core seconds of all batches by the constants of the reference processor,
	// Seconds by the speeds of this processor's kernels.
	Work, Seconds float64
}

// Predict plans p and counts what evaluating so many sequences takes, without running
// anything. It is for comparing programs: the count knows transforms, key switches and
// products with diagonals, and neither memory nor how cores share the work.
func Predict(ctx context.Context, p *bundle.Program, sequences int, o Options) (Prediction, error) {
	plan, err := NewPlan(ctx, p, o)
	if err != nil {
		return Prediction{}, err
	}
	batches := float64((max(sequences, 1) + plan.Slots() - 1) / plan.Slots())
	return Prediction{
		LogN: plan.logN, LogQP: plan.LogQP(), Primes: plan.params.QCount(), Slots: plan.Slots(),
		Work: batches * plan.work(costmodel.Reference), Seconds: batches * plan.work(cpu.Active),
	}, nil
}

// work is the core seconds of a batch.
func (p *Plan) work(level cpu.Level) float64 {
	c := costmodel.PackedOf(level, p.logN)
	special := p.params.PCount()
	// keySwitch is a rotation or a relinearization on so many limbs.
	keySwitch := func(limbs int) float64 {
		digits, all := (limbs+special-1)/special, limbs+special
		return float64(float64(digits*all+2*all)*c.NTT) + float64(float64(digits*all)*c.Extend) + float64(float64(2*digits*all)*c.Key)
	}
	total := 0.0
	for t := range p.cell.steps {
		limbs, inputs := p.cell.limbs(t), p.chunks()
		if t > 0 {
			inputs++ // the hidden state
		}
		const gates = 4
		turns := inputs*(p.split.babies-1) + gates*(p.split.giants-1)
		products := 3 + 2*gates // i g, f c, the output, and a square and a cube of each gate
		if p.cell.cell != nil {
			products += 2
		}
		total += float64(float64(turns+products)*keySwitch(limbs)) + float64(float64(gates*inputs*p.blocks*limbs)*c.Product)
	}
	return 1e-9 * total
}
