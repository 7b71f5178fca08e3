package packed

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/he/fastntt"
	"qtool/he/internal/primes"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/packed/lower"
	"qtool/internal/elementary"
	"qtool/internal/parallel"
	"qtool/kernel/cpu"
)

// Costs are a machine's, in nanoseconds: of operations on one limb, by one worker
// while all are busy, and of one input ciphertext to its sender.
type Costs struct {
	Limb    lower.Costs
	Workers int
	Encrypt float64
}

// Measure times the primitives of ring degree 2^logN on this machine, as evaluation
// uses them, in about half a second.
func Measure(ctx context.Context, logN, workers int) (Costs, error) {
	q, p, err := sizes{q: []int{34, 33, 33, 33, 33, 33}, p: []int{34}}.draw(primes.New(logN))
	if err != nil {
		return Costs{}, err
	}
	params, err := ckks.NewParametersFromLiteral(ckks.ParametersLiteral{LogN: logN, Q: q, P: p, LogDefaultScale: 33})
	if err != nil {
		return Costs{}, fmt.Errorf("packed: %w", err)
	}
	e, err := engine.New(params.Parameters, workers, 0)
	if err != nil {
		return Costs{}, fmt.Errorf("packed: %w", err)
	}
	limb, err := e.Primitives(ctx)
	if err != nil {
		return Costs{}, err
	}
	c := Costs{Limb: lower.Costs(limb), Workers: workers}
	if _, err := fastntt.Install(params); err != nil {
		return Costs{}, fmt.Errorf("packed: %w", err)
	}
	c.Encrypt, err = encryptions(ctx, params, workers)
	return c, err
}

// encryptions is the nanoseconds that one ciphertext takes one worker: the median
// of a few rounds of one for every worker.
func encryptions(ctx context.Context, params ckks.Parameters, workers int) (float64, error) {
	const rounds = 5
	h := &half{
		literal: literal{Q: params.Q(), Reals: &realConstants{Unit: 1, Scale: elementary.Exp2(33)}},
		params:  params.Parameters, ckks: params,
	}
	key, err := secret.Prepare(h.params, secret.NewFromSystem(params.Parameters))
	if err != nil {
		return 0, fmt.Errorf("packed: %w", err)
	}
	ready := make(chan *tools, workers)
	for range workers {
		ready <- &tools{h.packer(0), key.Encrypter(sample.NewSeed())}
	}
	view := slices.Repeat([]int32{-1}, params.MaxSlots())
	seed := sample.NewSeed()
	var times []float64
	for k := range rounds + 1 {
		start := time.Now()
		err := parallel.With(ctx, workers, workers, func() *tools { return <-ready }, func(t *tools, i int) error {
			_, err := t.encrypt(view, nil, len(h.Q), inputSeed(seed, k*workers+i))
			return err
		}, func(t *tools) { ready <- t })
		if err != nil {
			return 0, err
		}
		if k > 0 { // the first warms up
			times = append(times, float64(time.Since(start).Nanoseconds()))
		}
	}
	slices.Sort(times)
	return times[rounds/2], nil
}

// costs are o's, the reference processor's, or measured.
func (o Options) costs(ctx context.Context, logN int) (Costs, error) {
	if o.Costs != nil {
		return *o.Costs, nil
	}
	if !o.TuneTimings {
		return ReferenceCosts(logN), nil
	}
	if c, ok := o.measured[logN]; ok {
		return c, nil
	}
	c, err := Measure(ctx, logN, o.Workers)
	if err == nil {
		o.measured[logN] = c
	}
	return c, err
}

// time makes what predictions are shown by: the given costs, a rehearsal of tuned
// plans, or the costs of this processor's kernels. See rehearse for the factors.
func (p *common) time(ctx context.Context, factors ...uint64) error {
	switch {
	case p.options.Costs != nil:
		p.shown = p.costs
	case p.options.TuneTimings:
		return p.rehearse(ctx, factors)
	default:
		p.shown = costsOf(cpu.Active, p.logN)
		p.shown.Workers = p.options.Workers
	}
	return nil
}

// Predicted is the predicted seconds of one evaluation on this machine.
func (p *common) Predicted() float64 {
	sum := 0.0
	for i := range p.lowered.Stages {
		a, b := p.stageSeconds(i)
		sum += a + b
	}
	return sum
}

// Work is the core seconds of one evaluation by the costs that the plan was chosen
// with: of plans that are not tuned, the same on every machine.
func (p *common) Work() float64 {
	sum := 0.0
	for i := range p.lowered.Stages {
		st := &p.lowered.Stages[i]
		sum += p.costs.Limb.Nanoseconds(st.LinearWork) + p.costs.Limb.Nanoseconds(st.ActivationWork)
	}
	return sum / 1e9
}

// score is what a choice of special primes is judged by: the predicted work, with
// two gigabytes of keys counting as much again, as they must be sent, held and
// read for every sample.
func (p *common) score() float64 {
	return p.Work() * (1 + float64(float64(p.keyBytes())/(2<<30)))
}

// stageSeconds are the seconds of a stage's map and of its activation, as rehearsed or as
// the shown costs have them.
func (p *common) stageSeconds(i int) (linear, activation float64) {
	if p.rehearsed != nil {
		return p.rehearsed[i][0], p.rehearsed[i][1]
	}
	st := &p.lowered.Stages[i]
	unit := 1e9 * float64(p.shown.Workers)
	return p.shown.Limb.Nanoseconds(st.LinearWork) / unit, p.shown.Limb.Nanoseconds(st.ActivationWork) / unit
}

// score counts every bit that is missing to the spare ones as so much more time:
// answers at near ties are worth it.
func (p *Plan) score() float64 {
	return p.common.score() * (1 + float64(0.04*max(0, p.options.Bits+spareBits-p.Bits())))
}
