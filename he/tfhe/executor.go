package tfhe

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"qtool/bundle"
	"qtool/he"
)

// executor plays client and server in one process, and watches every look-up. Its
// keys are made in its first run and kept, so that samples may come one by one.
type executor struct {
	plan   *Plan
	client *Client
	server *Server
	keys   int64 // bytes
}

// NewExecutor returns an executor that runs p under encryption with plan, which
// must have been made for p. Its first run generates the keys.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	if plan.program != p {
		panic("tfhe: plan was made for another program")
	}
	return &executor{plan: plan}
}

// Backend implements he.Executor. Its predicted noise bits are those of the logits;
// look-ups have a budget a layer and their account in the result.
func (e *executor) Backend() he.Backend {
	p := e.plan
	budget := p.NoiseBudget()
	predicted := budget[len(budget)-1].BitsLeft
	return he.Backend{
		Name: "pbs", LogN: p.params.LogN, LogQP: float64(p.params.LogQ), Slots: 1, Single: true,
		CiphertextModuli: []uint64{p.params.Q()}, PlaintextModuli: []uint64{}, TorusSlots: 2 * p.last().slots,
		SecurityBits: p.SecurityBits(), PredictedBits: predicted,
		Why: p.Why(), Budget: budget,
	}
}

// Run implements he.Executor, sample by sample. The account of the noise is that of the
// logits. A sample with a failed look-up has wrong logits or, where they leave
// their proved range, ends the run with a *NoiseError.
func (e *executor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	p := e.plan
	if err := p.program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	report := func(phase string, done, total int) {
		if step != nil {
			step(he.Step{Phase: phase, Done: done, Total: total})
		}
	}
	result, all := &he.Result{}, he.Exact{}
	seconds, bytes := &result.Cost.Seconds, &result.Cost.Bytes
	start := time.Now()
	lap := func(to *float64) {
		*to += time.Since(start).Seconds()
		start = time.Now()
	}
	done, total := 0, p.Lookups()*len(samples)
	if e.server == nil {
		report("keygen", 0, total)
		if err := e.setup(ctx); err != nil {
			return nil, err
		}
		lap(&seconds.Keygen)
	}
	client, server := e.client, e.server
	bytes.Keys, bytes.CiphertextIn, bytes.CiphertextOut = e.keys, p.InputBytes(), p.OutputBytes()
	clear(server.seconds)
	watch, left := newAudit(p, client.secret), math.Inf(1)
	for i, s := range samples {
		in, err := client.Encrypt(s)
		if err != nil {
			return nil, err
		}
		lap(&seconds.Encrypt)
		watch.begin(s)
		out, err := server.evaluate(ctx, in, func(n int) {
			done += n
			report("evaluate", done, total)
		}, watch)
		if err != nil {
			return nil, err
		}
		lap(&seconds.Evaluate)
		watch.end(out)
		logits, bits, err := client.Decrypt(out)
		if err != nil && len(samples) > 1 {
			return nil, fmt.Errorf("tfhe: sample %d: %w", i, err)
		}
		if err != nil {
			return nil, err
		}
		lap(&seconds.Decrypt)
		left = min(left, bits)
		all = append(all, logits)
	}
	lookups := watch.record(len(samples))
	result.Answers, result.Accounts = all, []he.Account{slices.Clone(server.seconds), lookups}
	if len(samples) > 0 {
		result.Accounts = append(result.Accounts, he.Noise{BitsLeft: left})
		lookups.SecondsPerSample = seconds.Evaluate / float64(len(samples))
		lookups.Milliseconds = 1e3 * seconds.Evaluate / float64(max(total, 1))
	}
	return result, nil
}

// setup makes the keys and gives the server its own.
func (e *executor) setup(ctx context.Context) error {
	client, err := NewClient(e.plan)
	if err != nil {
		return err
	}
	keys, err := client.EvaluationKeys(ctx, nil)
	if err != nil {
		return err
	}
	server, err := NewServer(e.plan, keys)
	if err != nil {
		return err
	}
	e.client, e.server, e.keys = client, server, keys.Bytes()
	return nil
}

// Simulate implements he.Simulator with Plan.Simulate.
func (e *executor) Simulate(ctx context.Context, samples []bundle.Sample, seed uint64, step func(he.Step)) (*he.Simulation, error) {
	return e.plan.Simulate(ctx, samples, seed, step)
}
