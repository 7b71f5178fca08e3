package packed

import (
	"context"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
)

// NewExactExecutor returns an executor that runs p exactly with BGV by plan,
// which must have been made for p, one sample at a time. Its first run generates the
// keys and encodes the weights.
func NewExactExecutor(p *bundle.Program, plan *ExactPlan) he.Executor {
	return plan.executor(p, plan.backend(), plan.Predicted(), plan.start)
}

// backend describes the plan for the report.
func (p *ExactPlan) backend() he.Backend {
	return he.Backend{
		Name: "packed-bgv", LogN: p.logN, LogQP: p.LogQP(), PlaintextModuli: p.t, CiphertextModuli: p.ring.Q(),
		SecurityBits: p.SecurityBits(), PredictedBits: p.left[len(p.left)-1], Why: p.why, Single: true,
	}
}

// exactSession implements run.Session with BGV.
type exactSession struct {
	plan   *ExactPlan
	client *ExactClient
	server *ExactServer
	keys   *EvaluationKeys
}

func (p *ExactPlan) start(ctx context.Context, _ *meter.Meter) (run.Session, run.Made, error) {
	client := NewExactClient(p)
	keys, server, made, err := begin(ctx, client.EvaluationKeys, func() (*ExactServer, error) { return NewExactServer(ctx, p) })
	return &exactSession{p, client, server, keys}, made, err
}

// Batch implements run.Session, with one sample.
func (s *exactSession) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	r, residues, least := &he.Result{}, make([][]uint64, len(s.plan.t)), math.Inf(1)
	for k := range residues {
		clear(s.server.servers[k].seconds)
		residue, err := run.Phases(m, &r.Cost, func() (*ExactInputs, error) {
			return s.client.Encrypt(ctx, samples[0], k)
		}, func(in *ExactInputs) (*ExactOutputs, error) {
			r.Cost.Bytes.CiphertextIn += in.bytes()
			return s.server.Evaluate(ctx, in, s.keys)
		}, func(out *ExactOutputs) ([]uint64, error) {
			r.Cost.Bytes.CiphertextOut += out.bytes()
			residue, left, err := s.client.Decrypt(ctx, out)
			least = min(least, left)
			return residue, err
		})
		if err != nil {
			return nil, err
		}
		residues[k] = residue
	}
	logits, err := s.plan.Join(residues)
	if err != nil {
		return nil, err
	}
	r.Answers, r.Accounts = he.Exact{logits}, []he.Account{s.nodeSeconds(), he.Noise{BitsLeft: least}}
	return r, nil
}

// nodeSeconds are the seconds of each node, of all plaintext primes together.
func (s *exactSession) nodeSeconds() he.NodeSeconds {
	all := make(he.NodeSeconds, len(s.plan.program.Nodes))
	for k := range s.server.servers {
		e := &s.server.servers[k]
		for i, x := range nodeSeconds(s.plan.program, e.program, e.seconds) {
			all[i] += x
		}
	}
	return all
}
