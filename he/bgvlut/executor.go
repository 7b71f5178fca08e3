package bgvlut

import (
	"context"
	"slices"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
	"qtool/internal/parallel"
)

// NewExecutor returns an executor that runs p exactly under encryption, with
// plan, which must have been made for p. Its first run generates the keys.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return run.New(p, run.Plan{
		Package: "bgvlut", Program: plan.program, Backend: plan.backend(), Slots: plan.Slots(),
		BatchWork: plan.costs.total(plan.inputs(), plan.stages),
		Start: func(context.Context, *meter.Meter) (run.Session, run.Made, error) {
			client := NewClient(plan)
			key := client.EvaluationKeys()
			server, err := NewServer(plan, key)
			return &session{plan: plan, client: client, server: server}, run.Made{KeyBytes: key.Bytes()}, err
		},
	})
}

// backend describes the plan for the report.
func (p *Plan) backend() he.Backend {
	return he.Backend{
		Name: "bgv", LogN: p.LogN(), LogQP: p.LogQP(), Slots: p.Slots(),
		PlaintextModuli: []uint64{p.PlaintextModulus()}, CiphertextModuli: p.CiphertextModuli(),
		SecurityBits: p.SecurityBits(), PredictedBits: p.PredictedNoiseBitsLeft(),
		Why: p.Why(), Budget: p.NoiseBudget(), Tables: p.TableLayers(),
	}
}

// session implements run.Session. Ciphertexts come from the server's pool and go back
// to it.
type session struct {
	plan   *Plan
	client *Client
	server *Server
	in     Inputs
	out    Outputs
}

// Batch implements run.Session.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	p, r := s.plan, &he.Result{}
	clear(s.server.seconds)
	logits, err := run.Phases(m, &r.Cost, func() (*Inputs, error) {
		s.server.take(&s.in)
		return &s.in, s.client.Encrypt(ctx, samples, &s.in, m.Add)
	}, func(in *Inputs) (*Outputs, error) {
		return &s.out, s.server.Consume(ctx, in, &s.out, m.Add)
	}, func(out *Outputs) (he.Exact, error) {
		residues, left, err := s.client.Decrypt(ctx, out, m.Add)
		if err != nil {
			return nil, err
		}
		r.Accounts = []he.Account{slices.Clone(s.server.seconds), he.Noise{BitsLeft: left}}
		logits := make(he.Exact, len(samples))
		return logits, parallel.Run(ctx, p.workers, len(samples), func(_, k int) (err error) {
			logits[k], err = p.vector(residues, k)
			return err
		}, nil)
	})
	if err != nil {
		return nil, err
	}
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = p.InputBytes(), p.OutputBytes()
	r.Answers = logits
	return r, nil
}

// take gives in the memory that the server has of an earlier batch.
func (s *Server) take(in *Inputs) {
	for len(in.all) < s.plan.inputs() {
		in.all = append(in.all, s.pool.ciphertext(s.plan.ring.Levels()))
	}
}
