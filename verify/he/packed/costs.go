package packed

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/verify/he/packed/engine"
	"qtool/verify/he/packed/lower"
)

// Costs are this machine's, in nanoseconds: of operations on one limb, by one
// worker while all are busy, and of one input ciphertext to its sender.
type Costs struct {
	Limb    lower.Costs
	Workers int
	Encrypt float64
}

// Measure times the primitives of ring degree 2^logN, as evaluation uses them, in
// a few tenths of a second.
func Measure(logN, workers int) (Costs, error) {
	q, p, err := sizes{q: []int{34, 33, 33, 33, 33, 33}, p: []int{34}}.draw(logN)
	if err != nil {
		return Costs{}, err
	}
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: logN, Q: q, P: p, NTTFlag: true})
	if err != nil {
		return Costs{}, err
	}
	e, err := engine.New(params, workers, 0)
	if err != nil {
		return Costs{}, fmt.Errorf("packed: %w", err)
	}
	c := Costs{Limb: lower.Costs(e.Primitives()), Workers: workers}
	c.Encrypt = 6*c.Limb.NTT + 20*c.Limb.Move
	return c, nil
}

// costs are o's, or measured.
func (o Options) costs(logN int) (Costs, error) {
	if o.Costs != nil {
		return *o.Costs, nil
	}
	if c, ok := o.measured[logN]; ok {
		return c, nil
	}
	c, err := Measure(logN, o.Workers)
	o.measured[logN] = c
	return c, err
}

// Predicted is the predicted seconds of one evaluation.
func (p *common) Predicted() float64 {
	sum := 0.0
	for i := range p.lowered.Stages {
		a, b := p.stageSeconds(i)
		sum += a + b
	}
	return sum
}

// score is what a choice of special primes is judged by: the predicted time, with
// four gigabytes of keys counting as much again, as they must be sent, held and
// read for every image.
func (p *common) score() float64 {
	return p.Predicted() * (1 + float64(p.needs.bytes(p.logN, len(p.ring.P())))/(4<<30))
}

// stageSeconds are those of a stage's map and of its activation.
func (p *common) stageSeconds(i int) (linear, activation float64) {
	st := &p.lowered.Stages[i]
	unit := 1e9 * float64(p.options.Workers)
	return p.costs.Limb.Nanoseconds(st.LinearWork) / unit, p.costs.Limb.Nanoseconds(st.ActivationWork) / unit
}
