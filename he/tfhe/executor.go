package tfhe

import (
	"context"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
	"qtool/he/wire"
	"qtool/kernel/cpu"
)

// executor is a he.Simulator.
type executor struct {
	*run.Executor
	plan *Plan
}

// NewExecutor returns an executor that runs p under encryption with plan, which
// must have been made for p, and watches every look-up. Its first run generates the
// keys.
//
// Its predicted noise bits, and the account of noise, are those of the logits; look-ups
// have a budget a layer and an account of their own. A sample with a wrong entry has
// wrong logits or, where they leave their proved range, ends the run with a *NoiseError.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return &executor{run.New(p, run.Plan{
		Package: "tfhe", Program: plan.program, Backend: plan.backend(), Slots: 1,
		BatchWork: float64(plan.Lookups()) * plan.lookupWork(),
		Start:     plan.start,
	}), plan}
}

// lookupWork is the predicted nanoseconds of one core for a look-up.
func (p *Plan) lookupWork() float64 { return p.params.nanoseconds(cpu.Active) }

// backend describes the plan for the report.
func (p *Plan) backend() he.Backend {
	budget := p.NoiseBudget()
	return he.Backend{
		Name: Backend, LogN: p.params.LogN, LogQP: float64(p.params.LogQ), Slots: 1, Single: true,
		CiphertextModuli: []uint64{p.params.Q()}, PlaintextModuli: []uint64{}, TorusSlots: 2 * p.last().half,
		SecurityBits: p.SecurityBits(), PredictedBits: budget[len(budget)-1].BitsLeft,
		Why: p.Why(), Budget: budget,
	}
}

// session implements run.Session.
type session struct {
	plan   *Plan
	client *Client
	server *Server
	keys   *EvaluationKeys
}

// start makes the keys and gives the server its own.
func (p *Plan) start(ctx context.Context, _ *meter.Meter) (run.Session, run.Made, error) {
	client := p.newClient()
	keys, err := client.evaluationKeys(ctx, p.workers)
	if err != nil {
		return nil, run.Made{}, err
	}
	return &session{p, client, newServer(p, client.pair), keys}, run.Made{KeyBytes: wire.Size(p.half.sizes().Keys)}, nil
}

// Batch implements run.Session, with one sample.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	p, r := s.plan, &he.Result{}
	seconds := make(he.NodeSeconds, len(p.program.Nodes))
	watch := newAudit(p, s.client.secret)
	watch.begin(samples[0])
	var left float64
	logits, err := run.Phases(m, &r.Cost, func() (*Input, error) {
		return s.client.encrypt(samples[0])
	}, func(in *Input) (*Output, error) {
		return s.server.evaluate(ctx, s.keys, in, &evaluation{func(lookups int) { m.Add(float64(lookups) * p.lookupWork()) }, watch, seconds})
	}, func(out *Output) (logits bundle.Vec, err error) {
		watch.end(out)
		logits, left, err = s.client.decrypt(out)
		return logits, err
	})
	if err != nil {
		return nil, err
	}
	size := p.half.sizes()
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = wire.Size(size.Inputs), wire.Size(size.Outputs)
	lookups := watch.record(1)
	lookups.SecondsPerSample = r.Cost.Seconds.Evaluate
	lookups.Milliseconds = 1e3 * r.Cost.Seconds.Evaluate / float64(max(p.Lookups(), 1))
	r.Answers, r.Accounts = he.Exact{logits}, []he.Account{seconds, lookups, he.Noise{BitsLeft: left}}
	return r, nil
}

// Simulate implements he.Simulator with Plan.Simulate.
func (e *executor) Simulate(ctx context.Context, samples []bundle.Sample, seed uint64, step func(he.Step)) (*he.Simulation, error) {
	return e.plan.Simulate(ctx, samples, seed, step)
}
