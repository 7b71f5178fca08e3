package packed

import (
	"context"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/run"
)

// NewExecutor returns an executor that runs p with CKKS by plan, which must have
// been made for p, one sample at a time. Its first run generates the keys and encodes
// the weights.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	return plan.executor(p, plan.backend(), plan.Predicted(), plan.start)
}

// executor is the executor of a program under either scheme.
func (c *common) executor(p *bundle.Program, b he.Backend, predicted float64, start func(context.Context, *meter.Meter) (run.Session, run.Made, error)) he.Executor {
	return run.New(p, run.Plan{
		Package: "packed", Program: c.program, Backend: b, Slots: 1, BatchWork: 1e9 * predicted,
		Latency: &he.Latency{Predicted: predicted, Plan: c.took.Seconds()}, Start: start,
	})
}

// backend describes the plan for the report.
func (p *Plan) backend() he.Backend {
	return he.Backend{
		Name: "packed-ckks", LogN: p.logN, LogQP: p.LogQP(), CiphertextModuli: p.params.Q(),
		SecurityBits: p.SecurityBits(), Why: p.why, Approximate: true, Single: true,
	}
}

// session implements run.Session with CKKS.
type session struct {
	plan   *Plan
	client *Client
	server *Server
	keys   *EvaluationKeys
}

func (p *Plan) start(ctx context.Context, _ *meter.Meter) (run.Session, run.Made, error) {
	client := NewClient(p)
	keys, server, made, err := begin(ctx, client.EvaluationKeys, func() (*Server, error) { return NewServer(ctx, p) })
	return &session{p, client, server, keys}, made, err
}

// begin makes a client's keys and a server, whose weights are encoded.
func begin[S any](ctx context.Context, makeKeys func(context.Context) (*EvaluationKeys, error), newServer func() (S, error)) (keys *EvaluationKeys, server S, made run.Made, err error) {
	if keys, err = makeKeys(ctx); err != nil {
		return nil, server, run.Made{}, err
	}
	start := time.Now()
	server, err = newServer()
	return keys, server, run.Made{KeyBytes: keys.Bytes(), Encode: time.Since(start).Seconds()}, err
}

// Batch implements run.Session, with one sample.
func (s *session) Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	r := &he.Result{}
	clear(s.server.seconds)
	reals, err := run.Phases(m, &r.Cost, func() (*Inputs, error) {
		return s.client.Encrypt(ctx, samples[0])
	}, func(in *Inputs) (*Outputs, error) {
		r.Cost.Bytes.CiphertextIn = in.bytes()
		return s.server.Evaluate(ctx, in, s.keys)
	}, func(out *Outputs) ([]float64, error) {
		r.Cost.Bytes.CiphertextOut = out.bytes()
		return s.client.Decrypt(ctx, out)
	})
	if err != nil {
		return nil, err
	}
	r.Answers = he.Approximate{Reals: [][]float64{reals}, Bound: s.plan.ErrorBound(true), Usual: s.plan.ErrorBound(false)}
	r.Accounts = []he.Account{nodeSeconds(s.plan.program, s.server.program, s.server.seconds)}
	return r, nil
}

// nodeSeconds puts a stage's map on its last linear node, or on the activation where it
// has none of its own or two, and its activation on that's node.
func nodeSeconds(p *bundle.Program, prog *program, seconds [][2]float64) he.NodeSeconds {
	nodes := make(he.NodeSeconds, len(p.Nodes))
	for i := range prog.stages {
		st := prog.stages[i].Stage
		last := st.First + st.Nodes - 1
		linear := st.Linear
		if linear < st.First || st.Product {
			linear = last
		}
		nodes[linear] += seconds[i][0]
		nodes[last] += seconds[i][1]
	}
	return nodes
}

// bytes is the size of the coefficients, as they are sent.
func (c *ciphertexts) bytes() int64 {
	var n int64
	for _, ct := range c.cts {
		for _, p := range ct {
			for _, l := range p {
				n += int64(8 * len(l))
			}
		}
	}
	return n
}
