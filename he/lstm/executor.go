package lstm

import (
	"context"
	"fmt"
	"time"

	"qtool/bundle"
	"qtool/he"
)

// executor plays client and server in one process. Its keys are made in its first
// run and kept.
type executor struct {
	plan   *Plan
	client *Client
	server *Server
	keys   *Keys
}

// NewExecutor returns an executor that runs p with CKKS by plan, which must have
// been made for p. Its first run generates the keys.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	if plan.program != p {
		panic("lstm: plan was made for another program")
	}
	return &executor{plan: plan}
}

// Backend implements he.Executor.
func (e *executor) Backend() he.Backend {
	p := e.plan
	return he.Backend{
		Name: "packed-ckks", LogN: p.logN, LogQP: p.LogQP(), Slots: p.Slots(),
		CiphertextModuli: p.params.Q(), PlaintextModuli: []uint64{},
		SecurityBits: p.SecurityBits(), Why: p.Why(), Approximate: true,
	}
}

// Run implements he.Executor, batch by batch.
func (e *executor) Run(ctx context.Context, sequences []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	p := e.plan
	batches := (len(sequences) + p.Slots() - 1) / p.Slots()
	keys := 0
	if e.server == nil {
		keys = p.KeyCount()
	}
	phase, done, total := "keygen", 0, keys+batches*p.Operations()
	tick := func() {
		done++
		if step != nil {
			step(he.Step{Phase: phase, Done: done, Total: total})
		}
	}
	r, answers := &he.Result{}, he.Approximate{Bound: p.ErrorBound(), Usual: p.UsualBound()}
	start := time.Now()
	lap := func(to *float64) {
		*to += time.Since(start).Seconds()
		start = time.Now()
	}
	seconds := &r.Cost.Seconds
	if step != nil {
		step(he.Step{Phase: phase, Total: total})
	}
	if e.server == nil {
		client := NewClient(p)
		made, err := client.Keys(ctx, tick)
		if err != nil {
			return nil, err
		}
		server, err := NewServer(p)
		if err != nil {
			return nil, err
		}
		e.client, e.keys, e.server = client, made, server
		lap(&seconds.Keygen)
	}
	r.Cost.Bytes.Keys = e.keys.Bytes()
	phase = "evaluate"
	for from := 0; from < len(sequences); from += p.Slots() {
		batch := sequences[from:min(from+p.Slots(), len(sequences))]
		in, err := e.client.Encrypt(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("batch from %d on: %w", from, err)
		}
		lap(&seconds.Encrypt)
		out, err := e.server.Evaluate(ctx, in, e.keys, tick)
		if err != nil {
			return nil, err
		}
		lap(&seconds.Evaluate)
		logits, err := e.client.Decrypt(out, len(batch))
		if err != nil {
			return nil, err
		}
		lap(&seconds.Decrypt)
		answers.Reals = append(answers.Reals, logits...)
		r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = in.Bytes(), out.Bytes()
	}
	r.Answers = answers
	return r, nil
}
