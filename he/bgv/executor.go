package bgv

import (
	"context"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
	"qtool/he/wire"
)

// NewExecutor returns an executor that runs p exactly under encryption, with
// plan, which must have been made for p. Its first run generates the key.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return run.New(p, run.Plan{
		Package: "bgv", Program: plan.program, Backend: plan.backend(), Slots: plan.Slots(),
		BatchWork: float64(len(plan.T)) * plan.costs.batch(plan.layout, plan.circuit),
		Start: func(context.Context, *meter.Meter) (run.Session, run.Made, error) {
			return &session{plan: plan, client: generate(plan.half), server: newEvaluator(plan)}, run.Made{}, nil
		},
	})
}

// backend describes the plan for the report.
func (p *Plan) backend() he.Backend {
	return he.Backend{
		Name: "bgv", LogN: p.LogN(), LogQP: p.LogQ(), Slots: p.Slots(),
		PlaintextModuli: p.PlaintextModuli(), CiphertextModuli: p.CiphertextModuli(),
		SecurityBits: p.SecurityBits(), PredictedBits: p.PredictedNoiseBitsLeft(),
		Why: p.Why(), Budget: p.NoiseBudget(),
	}
}

// session implements run.Session: one plaintext prime at a time, to bound memory.
type session struct {
	plan   *Plan
	client *Client
	server *evaluator
	in     ciphertexts
	out    ciphertexts
}

// Batch implements run.Session.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	p, r := s.plan, &he.Result{}
	s.server.startClocks()
	residues, least, seeds := make([][][]uint64, len(p.T)), math.Inf(1), newSeeds()
	for prime := range residues {
		all, err := run.Phases(m, &r.Cost, func() (*ciphertexts, error) {
			return &s.in, s.client.encryptBatch(ctx, samples, prime, seeds, &s.in, m.Add)
		}, func(in *ciphertexts) (*ciphertexts, error) {
			return &s.out, s.server.evaluate(ctx, in, &s.out, m.Add)
		}, func(out *ciphertexts) ([][]uint64, error) {
			all, left, err := s.client.residues(ctx, out, m.Add)
			least = min(least, left)
			return all, err
		})
		if err != nil {
			return nil, err
		}
		residues[prime] = all
	}
	var logits he.Exact
	err := m.Timed("decrypt", &r.Cost.Seconds.Decrypt, func() (err error) {
		logits, err = s.client.logits(ctx, residues, len(samples))
		return err
	})
	if err != nil {
		return nil, err
	}
	sizes := p.sizes()
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = wire.Size(sizes.Inputs), wire.Size(sizes.Outputs)
	r.Answers, r.Accounts = logits, []he.Account{s.server.nodeSeconds(), he.Noise{BitsLeft: least}}
	return r, nil
}
