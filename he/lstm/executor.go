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
// been made for p. Its first run generates the keys.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return run.New(p, run.Plan{
		Package: "lstm", Program: plan.program, Backend: plan.backend(), Slots: plan.Slots(),
		KeyWork: tick * float64(plan.KeyCount()), BatchWork: tick * float64(plan.Operations()),
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
	plan   *Plan
	client *Client
	server *Server
	keys   *EvaluationKeys
}

func (p *Plan) start(ctx context.Context, m *meter.Meter) (run.Session, run.Made, error) {
	client := NewClient(p)
	keys, err := client.EvaluationKeys(ctx, func() { m.Add(tick) })
	if err != nil {
		return nil, run.Made{}, err
	}
	server, err := NewServer(p)
	return &session{p, client, server, keys}, run.Made{KeyBytes: keys.Bytes()}, err
}

// Batch implements run.Session.
func (s *session) Batch(ctx context.Context, sequences []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	r := &he.Result{}
	reals, err := run.Phases(m, &r.Cost, func() (*Inputs, error) {
		return s.client.Encrypt(ctx, sequences)
	}, func(in *Inputs) (*Outputs, error) {
		r.Cost.Bytes.CiphertextIn = in.Bytes()
		return s.server.Evaluate(ctx, in, s.keys, func() { m.Add(tick) })
	}, func(out *Outputs) ([][]float64, error) {
		r.Cost.Bytes.CiphertextOut = out.Bytes()
		return s.client.Decrypt(out, len(sequences))
	})
	if err != nil {
		return nil, err
	}
	r.Answers = he.Approximate{Reals: reals, Bound: s.plan.ErrorBound(), Usual: s.plan.UsualBound()}
	return r, nil
}
