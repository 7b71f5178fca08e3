package tfhe

import (
	"context"
	"fmt"
	"runtime"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/costmodel"
	"qtool/kernel/cpu"
)

// Options are the caller's wishes, unchecked. The zero value lets NewPlan
// choose.
type Options struct {
	// LogFailure is log2 of the largest acceptable probability that any look-up or logit
	// of a sample goes wrong, LogLookupFailure that any one of them does. Neither may be
	// positive; 0 is no limit or, where both are 0, DefaultLogFailure a sample.
	LogFailure, LogLookupFailure float64
	// LogN forces the ring degree 2^LogN, 10..15; 0 chooses it.
	LogN int
	// Parameters forces the parameters.
	Parameters *ParametersLiteral
	// AllowInsecure permits forced parameters with less than 128 bits of security.
	AllowInsecure bool
	// Workers is how many goroutines compute; 0 is GOMAXPROCS.
	Workers int
	// TuneTimings weighs choices by the speeds of this processor's kernels in place
	// of the reference processor's: the plan then depends on where it was made.
	TuneTimings bool
}

// level is the level of vector instructions whose speeds weigh choices.
func (o Options) level() cpu.Level {
	if o.TuneTimings {
		return cpu.Active
	}
	return costmodel.Reference
}

// DefaultLogFailure is log2 of the default bound on a sample's failure probability: one in
// a million. It is for keys that are thrown away once results were compared.
const DefaultLogFailure = -20

// LivingLogFailure is log2 of the largest failure probability of a look-up for a secret
// key that stays in use: whoever learns of failures learns of the key, so that none may
// happen in all that is ever decrypted with it.
const LivingLogFailure = -64

// target is the failure probabilities that a plan keeps, as in Options; 0 is no limit.
type target struct{ sample, lookup float64 }

// kept reports whether the layers' predicted failures keep the target.
func (t target) kept(stages []stage, failures float64) bool {
	return (t.sample == 0 || log2Probability(failures) <= t.sample) && (t.lookup == 0 || log2Probability(worst(stages)) <= t.lookup)
}

// worst is the probability that the worst look-up or logit is wrong.
func worst(stages []stage) float64 {
	p := 0.0
	for i := range stages {
		p = max(p, stages[i].failure)
	}
	return p
}

// String is the target in messages.
func (t target) String() string {
	switch {
	case t.lookup == 0:
		return fmt.Sprintf("2^%.4g a sample", t.sample)
	case t.sample == 0:
		return fmt.Sprintf("2^%.4g a look-up", t.lookup)
	}
	return fmt.Sprintf("2^%.4g a look-up and 2^%.4g a sample", t.lookup, t.sample)
}

// Plan is a program with checked encryption parameters. It is immutable and
// holds no secret.
type Plan struct {
	program   *bundle.Program
	layers    []layer
	encodings []encoding // of every value
	free      [][]block  // values whose words nothing reads after each layer
	params    *Parameters
	stages    []stage
	perSample float64
	expected  float64 // decryption failures a sample
	workers   int
	half      *half
	target    target
	why       []string
}

// NewPlan chooses the parameters with the least time a look-up, as package costmodel
// predicts it, among those that are secure and keep the failure probability of a
// sample (see Options) by the noise analysis at noise.go: the same program and options
// give the same plan on every machine.
//
// It returns ctx's error once that is done, an error of package security if o.Parameters
// are insecure and o does not allow it, and a *he.InsufficientError, with the numbers, if
// nothing fits.
func NewPlan(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	literal, layers, s, err := choose(ctx, p, &o)
	if err != nil {
		return nil, err
	}
	plan, err := build(p, layers, literal, o.Workers)
	if err != nil {
		return nil, err
	}
	plan.target = s.target
	plan.why = plan.explain(o, s)
	return plan, nil
}

// choose searches for the parameters, and fills in defaults of o. It builds no
// kernels.
func choose(ctx context.Context, p *bundle.Program, o *Options) (literal ParametersLiteral, layers []layer, s *search, err error) {
	if !(o.LogFailure <= 0 && o.LogLookupFailure <= 0) || o.Workers < 0 {
		return literal, nil, nil, fmt.Errorf("tfhe: failure probabilities 2^%v a sample and 2^%v a look-up, and %d workers: want at most 1 and at least 0", o.LogFailure, o.LogLookupFailure, o.Workers)
	}
	t := target{o.LogFailure, o.LogLookupFailure}
	if t == (target{}) {
		t.sample = DefaultLogFailure
	}
	if o.LogN != 0 && (o.LogN < minLogN || o.LogN > maxLogN) {
		return literal, nil, nil, fmt.Errorf("tfhe: ring degree 2^%d is outside 2^%d..2^%d", o.LogN, minLogN, maxLogN)
	}
	if layers, err = lower(ctx, p); err != nil {
		return literal, nil, nil, err
	}
	s = &search{layers: layers, target: t, logN: o.LogN, level: o.level()}
	if o.Parameters == nil {
		literal, err = s.run(ctx)
		return literal, s.layers, s, err
	}
	literal = *o.Parameters
	if err := literal.check(); err != nil {
		return literal, nil, nil, err
	}
	if err := literal.checkSecurity(); err != nil && !o.AllowInsecure {
		return literal, nil, nil, fmt.Errorf("tfhe: %w", err)
	}
	err = s.check(&literal)
	return literal, s.layers, s, err
}

// build makes a plan whatever its noise and security.
func build(p *bundle.Program, layers []layer, l ParametersLiteral, workers int) (*Plan, error) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	params, err := NewParameters(l)
	if err != nil {
		return nil, err
	}
	plan := &Plan{program: p, layers: layers, encodings: encodings(layers), free: releases(layers), params: params, workers: workers}
	plan.stages, plan.perSample = l.budget(layers)
	plan.expected = l.expected(layers)
	plan.half = newHalf(params, plan.encodings[:layers[0].first], plan.last())
	return plan, nil
}

// Parameters are the encryption parameters.
func (p *Plan) Parameters() *Parameters { return p.params }

// Lookups is the number of programmable bootstraps a sample takes.
func (p *Plan) Lookups() int { return lookups(p.layers) }

func lookups(layers []layer) int {
	n := 0
	for i := range layers {
		n += layers[i].lookups()
	}
	return n
}

// PredictedSeconds is the predicted time of making the keys and of the look-ups of
// so many samples, with all workers and this processor's kernels.
func (p *Plan) PredictedSeconds(samples int) float64 {
	return p.params.work(p.Lookups()*samples, cpu.Active) / float64(p.workers)
}

// Work is the core seconds of the keys and of the look-ups of so many samples by the
// cost model of the reference processor: the same on every machine.
func (p *Plan) Work(samples int) float64 {
	return p.params.work(p.Lookups()*samples, costmodel.Reference)
}

// FailurePerSample bounds the probability that a sample has a wrong look-up or
// logit: the sum of their probabilities.
func (p *Plan) FailurePerSample() float64 { return min(p.perSample, 1) }

// LogFailure is log2 of the probability that the worst look-up or logit is wrong.
func (p *Plan) LogFailure() float64 { return log2Probability(worst(p.stages)) }

// FailurePerLookup is the probability that the worst look-up is wrong.
func (p *Plan) FailurePerLookup() float64 {
	worst := 0.0
	for i := range p.layers {
		if p.layers[i].tables != nil {
			worst = max(worst, p.stages[i].failure)
		}
	}
	return worst
}

// SecurityBits is 128 for secure parameters and an estimate below it otherwise.
func (p *Plan) SecurityBits() int { return p.params.SecurityBits() }

// Why explains the parameters, a sentence an entry.
func (p *Plan) Why() []string { return append([]string(nil), p.why...) }

// NoiseBudget is, for every layer, log2 of how often five standard deviations of
// its predicted noise fit below the half message that a phase may be off by.
func (p *Plan) NoiseBudget() []he.StageBudget {
	var all []he.StageBudget
	for i := range p.layers {
		l := &p.layers[i]
		logQ := float64(p.params.LogSmallQ)
		switch {
		case l.tables == nil && l.precise:
			logQ = float64(p.params.LogQ)
		case l.tables == nil:
			logQ = 32
		}
		all = append(all, he.StageBudget{Layer: l.name, BitsLeft: p.stages[i].bits(p.params.bound(l)), LogQ: logQ})
	}
	return all
}

// inputs is how many values the program takes.
func (p *Plan) inputs() int {
	n := 1
	for _, d := range p.program.Input.Shape {
		n *= d
	}
	return n
}

// precise says that values which the last layer reads are kept modulo Q.
func (p *Plan) precise() bool { return p.last().precise }

// last is the last layer.
func (p *Plan) last() *layer { return &p.layers[len(p.layers)-1] }
