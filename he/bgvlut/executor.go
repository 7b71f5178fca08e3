package bgvlut

import (
	"context"
	"slices"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
	"qtool/he/internal/sample"
	"qtool/he/wire"
)

// NewExecutor returns an executor that runs p exactly under encryption, with
// plan, which must have been made for p. Its first run generates the keys.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return run.New(p, run.Plan{
		Package: "bgvlut", Program: plan.program, Backend: plan.backend(), Slots: plan.Slots(),
		BatchWork: plan.costs.total(),
		Start: func(context.Context, *meter.Meter) (run.Session, run.Made, error) {
			client := generate(plan.half)
			key, err := plan.switchers(client.evaluationKeys(sample.NewSeed()))
			if err != nil {
				return nil, run.Made{}, err
			}
			return &session{plan: plan, client: client, server: plan.prepare().newEvaluator(key)}, run.Made{KeyBytes: wire.Size(plan.sizes().Keys)}, nil
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
	server *evaluator
	in     ciphertexts
	out    ciphertexts
}

// Batch implements run.Session.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	p, r := s.plan, &he.Result{}
	clear(s.server.seconds)
	logits, err := run.Phases(m, &r.Cost, func() (*ciphertexts, error) {
		s.server.take(&s.in)
		return &s.in, s.client.encryptBatch(ctx, samples, newSeeds(), &s.in, m.Add)
	}, func(in *ciphertexts) (*ciphertexts, error) {
		return &s.out, s.server.consume(ctx, in, &s.out, m.Add)
	}, func(out *ciphertexts) (he.Exact, error) {
		residues, left, err := s.client.residues(ctx, *out, m.Add)
		if err != nil {
			return nil, err
		}
		r.Accounts = []he.Account{slices.Clone(s.server.seconds), he.Noise{BitsLeft: left}}
		return s.client.logits(ctx, residues, len(samples))
	})
	if err != nil {
		return nil, err
	}
	sizes := p.sizes()
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = wire.Size(sizes.Inputs), wire.Size(sizes.Outputs)
	r.Answers = logits
	return r, nil
}

// take gives in the memory that the evaluator has of an earlier batch.
func (s *evaluator) take(in *ciphertexts) {
	for len(*in) < s.plan.inputs {
		*in = append(*in, s.pool.ciphertext(len(s.plan.Q)))
	}
}
