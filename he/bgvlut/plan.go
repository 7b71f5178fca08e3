package bgvlut

import (
	"context"
	"fmt"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/costmodel"
	"qtool/he/internal/log2"
	"qtool/he/security"
	"qtool/kernel/cpu"
)

// Options are the caller's wishes, unchecked. The zero value lets NewPlan
// choose.
type Options struct {
	// LogN forces the ring degree 2^LogN, 10..16.
	LogN int
	// AllowInsecure permits a forced ring degree that is too small for 128 bits
	// of security.
	AllowInsecure bool
	// Workers is how many goroutines compute; 0 is GOMAXPROCS.
	Workers int
	// Samples is how many samples a run will have, so that the slots of a last
	// batch that stay empty count as work; 0 is as many as fill their batches.
	Samples int
	// TuneTimings weighs choices by the speeds of this processor's kernels in place
	// of the reference processor's: the plan then depends on where it was made.
	TuneTimings bool

	sketch bool // see Predict
	copies int  // of samples in the slots; 0 lets costs decide
}

// level is the level of vector instructions whose speeds weigh choices.
func (o Options) level() cpu.Level {
	if o.TuneTimings {
		return cpu.Active
	}
	return costmodel.Reference
}

// Plan is a program with checked encryption parameters. It is immutable and
// holds no secret.
type Plan struct {
	*half
	program *bundle.Program
	stages  []stage
	tables  []tables
	layout  *layout
	costs   costs // with this processor's kernels
	why     []string
	left    float64 // predicted noise bits
	budget  []he.StageBudget
}

// NewPlan chooses plaintext prime, ring degree and levels for p, so that every
// table is exact on its proved domain, the noise fits (see noise) and the
// parameters are secure, with the least work a sample as package costmodel predicts
// it: the same program and options give the same plan on every machine.
//
// It returns ctx's error once that is done, an *security.InsecureError if o.LogN forces an insecure choice and
// o does not allow it, and a *he.InsufficientError, with the layer and the
// numbers, if nothing fits.
func NewPlan(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	s, best, err := choose(ctx, p, o)
	if err != nil {
		return nil, err
	}
	return build(s, best)
}

// choose searches for the layout.
func choose(ctx context.Context, p *bundle.Program, o Options) (*search, *layout, error) {
	if o.LogN != 0 && (o.LogN < 10 || o.LogN > 16) {
		return nil, nil, fmt.Errorf("bgvlut: ring degree 2^%d is outside 2^10..2^16", o.LogN)
	}
	if o.Workers < 0 || o.Samples < 0 {
		return nil, nil, fmt.Errorf("bgvlut: %d workers, %d samples", o.Workers, o.Samples)
	}
	stages, err := lower(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	if err := checkDomains(p, stages); err != nil {
		return nil, nil, err
	}
	s := &search{program: p, stages: stages, options: o, fields: map[uint64][]tables{}, packed: map[packedBy][]tables{}}
	best, err := s.run(ctx)
	return s, best, err
}

// build makes the rings of a layout, whatever its noise and security.
func build(s *search, l *layout) (*Plan, error) {
	plan, err := buildPlan(s.program, s.stages, s.tables(l), l, s.options.Workers)
	if err != nil {
		return nil, err
	}
	plan.why = plan.explain(s)
	return plan, nil
}

// buildPlan is build without the reasons.
func buildPlan(p *bundle.Program, stages []stage, tables []tables, l *layout, workers int) (*Plan, error) {
	h, err := newHalf(l.parameters(), p.Input, p.Output(), workers)
	if err != nil {
		return nil, err
	}
	plan := &Plan{half: h, program: p, stages: stages, tables: tables, layout: l}
	plan.costs = l.costs(plan.inputs, plan.stages, plan.tables, cpu.Active)
	m := l.model(plan.stages, plan.tables)
	e, _ := m.walk(plan.stages, plan.tables, l.divide, func(i int, table bool, e noise) {
		s := &plan.stages[i]
		node, round := s.node.rows, s.round
		if table {
			node, round = max(s.node.table, s.node.pool), round+1
		}
		if node != noNode {
			logQ := log2.Product(l.q[:l.limbs(round, 0)])
			plan.budget = append(plan.budget, he.StageBudget{Layer: s.name(plan.program, node), BitsLeft: m.left(e.total(), logQ), LogQ: logQ})
		}
	})
	plan.left = m.left(e.total(), log2.Product(l.q[:l.last()]))
	return plan, nil
}

func (s *stage) name(p *bundle.Program, node int) string { return p.Nodes[node].Name }

// masks are what stage i packs its elements by.
func (p *Plan) masks(i int) masks {
	switch t := field(p.T); {
	case p.layout.copies == 1:
		return masks{factor: 1}
	case p.stages[i].table != nil:
		return t.short(p.unit)
	default:
		return t.exact(p.unit)
	}
}

// LogN is log2 of the ring degree.
func (p *Plan) LogN() int { return p.layout.logN }

// LogQP is log2 of the largest modulus, the special primes of key switching
// included.
func (p *Plan) LogQP() float64 { return p.layout.logQP() }

// PlaintextModulus is T.
func (p *Plan) PlaintextModulus() uint64 { return p.layout.t }

// CiphertextModuli are the primes of the chain, the first dropped last, and the
// special ones.
func (p *Plan) CiphertextModuli() []uint64 {
	return append(append([]uint64(nil), p.layout.q...), p.layout.special...)
}

// PredictedNoiseBitsLeft is how many bits the bound of the predicted noise of an
// output stays below the wrap-around. It is all that can
// differ between this executor and the integer program: as long as it is not
// negative, their logits are the same.
func (p *Plan) PredictedNoiseBitsLeft() float64 { return p.left }

// PredictedSeconds is the predicted time of the workers for so many samples, with
// this processor's kernels.
func (p *Plan) PredictedSeconds(samples int) float64 {
	batches := (samples + p.Slots() - 1) / p.Slots()
	return p.costs.total() * float64(batches) / float64(p.workers) / 1e9
}

// Work is the core seconds for so many samples by the cost model of the reference
// processor: the same on every machine.
func (p *Plan) Work(samples int) float64 {
	batches := (samples + p.Slots() - 1) / p.Slots()
	return p.layout.costs(p.inputs, p.stages, p.tables, costmodel.Reference).total() * float64(batches) / 1e9
}

// NoiseBudget is the predicted budget after each layer, as PredictedNoiseBitsLeft
// is at the end. A table and the pool on it share an entry.
func (p *Plan) NoiseBudget() []he.StageBudget {
	return append([]he.StageBudget(nil), p.budget...)
}

// SecurityBits is 128 for secure parameters and an estimate below it otherwise.
func (p *Plan) SecurityBits() int { return security.Estimate(p.layout.logN, p.LogQP()) }

// Why explains the parameters, a sentence an entry.
func (p *Plan) Why() []string { return append([]string(nil), p.why...) }
