package bgv

import (
	"context"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
	"qtool/internal/parallel"
)

// NewExecutor returns an executor that runs p exactly under encryption, with
// plan, which must have been made for p. Its first run generates the key.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return run.New(p, run.Plan{
		Package: "bgv", Program: plan.program, Backend: plan.backend(), Slots: plan.Slots(),
		BatchWork: float64(len(plan.layout.t)) * plan.costs.batch(plan.layout, plan.circuit),
		Start: func(context.Context, *meter.Meter) (run.Session, run.Made, error) {
			return &session{plan: plan, client: NewClient(plan), server: NewServer(plan), lifter: plan.newLifter()}, run.Made{}, nil
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
	server *Server
	lifter *lifter
	in     Inputs
	out    Outputs
}

// Batch implements run.Session.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	p, r := s.plan, &he.Result{}
	s.server.startClocks()
	residues, least := make([][][]uint64, len(p.layout.t)), math.Inf(1)
	for prime := range residues {
		all, err := run.Phases(m, &r.Cost, func() (*Inputs, error) {
			return &s.in, s.client.Encrypt(ctx, samples, prime, &s.in, m.Add)
		}, func(in *Inputs) (*Outputs, error) {
			return &s.out, s.server.Evaluate(ctx, in, &s.out, m.Add)
		}, func(out *Outputs) ([][]uint64, error) {
			all, left, err := s.client.Decrypt(ctx, out, m.Add)
			least = min(least, left)
			return all, err
		})
		if err != nil {
			return nil, err
		}
		residues[prime] = all
	}
	logits := make(he.Exact, len(samples))
	err := m.Timed("decrypt", &r.Cost.Seconds.Decrypt, func() error {
		return parallel.Run(ctx, p.workers, len(samples), func(_, k int) (err error) {
			logits[k], err = s.lifter.vector(residues, k)
			return err
		}, nil)
	})
	if err != nil {
		return nil, err
	}
	primes := int64(len(p.layout.t))
	r.Cost.Bytes.CiphertextIn = primes * p.serialisedBytes(p.inputs(), 1, len(p.layout.q))
	r.Cost.Bytes.CiphertextOut = primes * p.serialisedBytes(p.circuit.out().elements, p.circuit.out().degree, p.layout.outLevel())
	r.Answers, r.Accounts = logits, []he.Account{s.server.nodeSeconds(), he.Noise{BitsLeft: least}}
	return r, nil
}
