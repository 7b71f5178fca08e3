package bgvlut

import (
	"context"
	"fmt"
	"math"
	"slices"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/parallel"
)

// executor plays client and server in one process.
type executor struct {
	plan *Plan
	in   Inputs
}

// NewExecutor returns an executor that runs p exactly under encryption, with
// plan, which must have been made for p. It generates new keys each run.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	if plan.program != p {
		panic("bgvlut: plan was made for another program")
	}
	return &executor{plan: plan}
}

// Backend implements he.Executor.
func (e *executor) Backend() he.Backend {
	p := e.plan
	return he.Backend{
		Name: "bgv", LogN: p.LogN(), LogQP: p.LogQP(), Slots: p.Slots(),
		PlaintextModuli: []uint64{p.PlaintextModulus()}, CiphertextModuli: p.CiphertextModuli(),
		SecurityBits: p.SecurityBits(), PredictedBits: p.PredictedNoiseBitsLeft(),
		Why: p.Why(), Budget: p.NoiseBudget(), Tables: p.TableLayers(),
	}
}

// Run implements he.Executor, one batch at a time.
func (e *executor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	p := e.plan
	if err := p.program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	batches := (len(samples) + p.Slots() - 1) / p.Slots()
	r := &runState{executor: e, meter: meter.New(step, float64(batches)*p.costs.total(p.inputs(), p.stages)), left: math.Inf(1)}
	if err := r.setup(); err != nil {
		return nil, err
	}
	for b := range batches {
		if err := r.batch(ctx, samples[b*p.Slots():min((b+1)*p.Slots(), len(samples))], b == batches-1); err != nil {
			return nil, err
		}
	}
	r.result.Answers = r.logits
	r.result.Accounts = []he.Account{slices.Clone(r.server.seconds)}
	if batches > 0 {
		r.result.Accounts = append(r.result.Accounts, he.Noise{BitsLeft: r.left})
	}
	bytes := &r.result.Cost.Bytes
	bytes.CiphertextIn, bytes.CiphertextOut = p.InputBytes(), p.OutputBytes()
	return &r.result, nil
}

// runState is one run of an executor: its keys, and what it has given so far.
type runState struct {
	*executor
	meter  *meter.Meter
	client *Client
	server *Server
	out    Outputs
	left   float64
	logits he.Exact
	result he.Result
}

func (r *runState) setup() error {
	return r.meter.Timed("keygen", &r.result.Cost.Seconds.Keygen, func() error {
		client, err := NewClient(r.plan)
		if err != nil {
			return err
		}
		key, err := client.RelinearizationKey()
		if err != nil {
			return err
		}
		r.client, r.result.Cost.Bytes.Keys = client, key.Bytes()
		r.server, err = NewServer(r.plan, key)
		return err
	})
}

// batch encrypts, evaluates and decrypts up to N samples. The last batch's inputs
// make room for what is computed of them.
func (r *runState) batch(ctx context.Context, samples []bundle.Sample, last bool) error {
	seconds := &r.result.Cost.Seconds
	err := r.meter.Timed("encrypt", &seconds.Encrypt, func() error {
		return r.client.Encrypt(ctx, samples, &r.in, r.meter.Add)
	})
	if err != nil {
		return err
	}
	err = r.meter.Timed("evaluate", &seconds.Evaluate, func() error {
		if last {
			return r.server.Consume(ctx, &r.in, &r.out, r.meter.Add)
		}
		return r.server.Evaluate(ctx, &r.in, &r.out, r.meter.Add)
	})
	if err != nil {
		return err
	}
	return r.meter.Timed("decrypt", &seconds.Decrypt, func() error {
		residues, left, err := r.client.Decrypt(ctx, &r.out, r.meter.Add)
		if err != nil {
			return err
		}
		r.left = min(r.left, left)
		logits := make([]bundle.Vec, len(samples))
		err = parallel.Run(ctx, r.plan.workers, len(samples), func(_, k int) (err error) {
			logits[k], err = r.plan.vector(residues, k)
			return err
		}, nil)
		r.logits = append(r.logits, logits...)
		return err
	})
}
