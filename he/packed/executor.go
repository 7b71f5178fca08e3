package packed

import (
	"context"
	"fmt"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
	"qtool/he/internal/secret"
	"qtool/he/wire"
)

// NewExecutor returns an executor that runs p with CKKS by plan, which must have
// been made for p, one sample at a time. Its first run generates the keys and encodes
// the weights. Answers are as they are decrypted, not rounded: they are for the owner of
// the secret key alone.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor { return executor(p, plan) }

// NewExactExecutor returns an executor that runs p exactly with BGV by plan; see
// NewExecutor.
func NewExactExecutor(p *bundle.Program, plan *ExactPlan) he.Executor { return executor(p, plan) }

func executor(p *bundle.Program, plan planned) he.Executor {
	c, predicted := plan.shared(), plan.Predicted()
	return run.New(p, run.Plan{
		Package: "packed", Program: c.program, Backend: plan.backend(), Slots: 1, BatchWork: 1e9 * predicted,
		Latency: &he.Latency{Predicted: predicted, Plan: c.took.Seconds()},
		Start:   func(ctx context.Context, _ *meter.Meter) (run.Session, run.Made, error) { return start(ctx, plan) },
	})
}

// backend describes the plan for the report.
func (p *Plan) backend() he.Backend {
	return he.Backend{
		Name: ckksName, LogN: p.logN, LogQP: p.LogQP(), CiphertextModuli: p.params.Q(),
		SecurityBits: p.SecurityBits(), Why: p.reasons(p.Predicted()), Approximate: true, Single: true,
	}
}

// backend describes the plan for the report.
func (p *ExactPlan) backend() he.Backend {
	return he.Backend{
		Name: bgvName, LogN: p.logN, LogQP: p.LogQP(), PlaintextModuli: p.t, CiphertextModuli: p.ring.Q(),
		SecurityBits: p.SecurityBits(), PredictedBits: p.left[len(p.left)-1], Why: p.reasons(p.Predicted()), Single: true,
	}
}

// session implements run.Session with a client and a server of one process.
type session struct {
	program *bundle.Program
	sizes   he.Sizes
	client  *Client
	server  *Server
	keys    *EvaluationKeys
}

// newPlanClient is a client with a new secret key in the process of the plan.
func newPlanClient(p planned) (*Client, error) {
	h, err := p.shared().half()
	if err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	return newClient(nil, p.shared().hash, h, secret.NewFromSystem(h.params), wire.NewKeyID()), nil
}

// start makes a client's keys and a server, whose weights are encoded.
func start(ctx context.Context, p planned) (run.Session, run.Made, error) {
	client, err := newPlanClient(p)
	if err != nil {
		return nil, run.Made{}, err
	}
	s := &session{program: p.shared().program, sizes: client.half.sizes(), client: client}
	if s.keys, err = client.evaluationKeys(ctx); err != nil {
		return nil, run.Made{}, err
	}
	begun := time.Now()
	s.server, err = newServer(ctx, p, client.pair)
	return s, run.Made{KeyBytes: s.sizes.Keys, Encode: time.Since(begun).Seconds()}, err
}

// Batch implements run.Session, with one sample.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	r := &he.Result{}
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = s.sizes.Inputs, s.sizes.Outputs
	took := make(seconds, len(s.server.programs[0].stages))
	d, err := run.Phases(m, &r.Cost, func() (*Inputs, error) {
		return s.client.encrypt(ctx, &s.program.Input, samples[0])
	}, func(in *Inputs) (*Outputs, error) {
		return s.server.evaluate(ctx, in, s.keys, took, nil)
	}, func(out *Outputs) (*he.Decrypted, error) {
		return s.client.decrypt(ctx, s.program.Output(), out)
	})
	if err != nil {
		return nil, err
	}
	r.Answers = d.Answers
	r.Accounts = append([]he.Account{took.nodes(s.program, s.server.programs[0])}, d.Accounts...)
	return r, nil
}

// nodes puts a stage's map on its last linear node, or on the activation where it
// has none of its own or two, and its activation on that's node.
func (s seconds) nodes(p *bundle.Program, prog *program) he.NodeSeconds {
	nodes := make(he.NodeSeconds, len(p.Nodes))
	for i := range prog.stages {
		st := prog.stages[i].Stage
		last := st.First + st.Nodes - 1
		linear := st.Linear
		if linear < st.First || st.Product {
			linear = last
		}
		nodes[linear] += s[i][0]
		nodes[last] += s[i][1]
	}
	return nodes
}
