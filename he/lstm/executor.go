package lstm

import (
	"context"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
)

// tick is the work, in nanoseconds, that a key or one of Plan.Operations is counted as.
const tick = 1e6

// NewExecutor returns an executor that runs p with CKKS by plan, which must have
// been made for p. Its first run generates the keys. Answers are as they are decrypted,
// not rounded: they are for the owner of the secret key alone.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return run.New(p, run.Plan{
		Package: "lstm", Program: plan.program, Backend: plan.backend(), Slots: plan.Slots(),
		KeyWork: tick * float64(plan.needs().Count()), BatchWork: tick * float64(plan.operations()),
		Start: plan.start,
	})
}

// backend describes the plan for the report.
func (p *Plan) backend() he.Backend {
	return he.Backend{
		Name: "packed-ckks", LogN: p.logN, LogQP: p.LogQP(), Slots: p.Slots(),
		CiphertextModuli: p.params.Q(), PlaintextModuli: []uint64{},
		SecurityBits: p.SecurityBits(), Why: p.Why(), Approximate: true,
	}
}

// session implements run.Session.
type session struct {
	program *bundle.Program
	sizes   he.Sizes
	client  *Client
	server  *Server
	keys    *EvaluationKeys
}

func (p *Plan) start(ctx context.Context, m *meter.Meter) (run.Session, run.Made, error) {
	client, err := newPlanClient(p)
	if err != nil {
		return nil, run.Made{}, err
	}
	s := &session{program: p.program, sizes: client.half.sizes(), client: client}
	if s.keys, err = client.evaluationKeys(ctx, func() { m.Add(tick) }); err != nil {
		return nil, run.Made{}, err
	}
	s.server, err = newServer(p, client.pair)
	return s, run.Made{KeyBytes: s.sizes.Keys}, err
}

// Batch implements run.Session.
func (s *session) Batch(ctx context.Context, sequences []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	r := &he.Result{}
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = s.sizes.Inputs, s.sizes.Outputs
	answers, err := run.Phases(m, &r.Cost, func() (*Inputs, error) {
		return s.client.encrypt(ctx, &s.program.Input, sequences)
	}, func(in *Inputs) (*Outputs, error) {
		return s.server.evaluate(ctx, in, s.keys, func() { m.Add(tick) })
	}, func(out *Outputs) (he.Approximate, error) {
		return s.client.decrypt(out, len(sequences))
	})
	if err != nil {
		return nil, err
	}
	r.Answers = answers
	return r, nil
}
