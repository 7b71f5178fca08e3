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
			return &session{plan: plan, client: generate(plan.half), server: newEvaluator(plan), messages: newMessages()}, run.Made{}, nil
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

// session implements run.Session: one plaintext prime at a time, and of it one limb, to
// bound memory.
type session struct {
	plan     *Plan
	client   *Client
	server   *evaluator
	messages *messages
	out      ciphertexts
}

// Batch implements run.Session.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	p, r := s.plan, &he.Result{}
	s.server.startClocks()
	defer s.messages.clear()
	residues, least, seeds := make([][][]uint64, len(p.T)), math.Inf(1), newSeeds()
	for prime := range residues {
		err := m.Timed("encrypt", &r.Cost.Seconds.Encrypt, func() error {
			return s.client.draw(ctx, samples, prime, seeds, s.messages, m.Add)
		})
		for limb := len(p.Q) - 1; limb >= 0 && err == nil; limb-- {
			err = m.Timed("encrypt", &r.Cost.Seconds.Encrypt, func() error {
				return s.client.encryptLimb(ctx, s.messages, limb, &s.server.input, m.Add)
			})
			if err != nil {
				break
			}
			err = m.Timed("evaluate", &r.Cost.Seconds.Evaluate, func() error {
				return s.server.limb(ctx, prime, limb, &s.out, m.Add)
			})
		}
		if err != nil {
			return nil, err
		}
		err = m.Timed("decrypt", &r.Cost.Seconds.Decrypt, func() error {
			all, left, err := s.client.residues(ctx, &s.out, m.Add)
			residues[prime], least = all, min(least, left)
			return err
		})
		if err != nil {
			return nil, err
		}
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
