package bgv

import (
	"context"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/parallel"
)

// executor plays client and server in one process. It keeps the memory of
// ciphertexts between runs.
type executor struct {
	plan   *Plan
	server *Server
	in     Inputs
	out    Outputs
}

// NewExecutor returns an executor that runs p exactly under encryption, with
// plan, which must have been made for p. It generates a new key each run.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	if plan.program != p {
		panic("bgv: plan was made for another program")
	}
	return &executor{plan: plan, server: NewServer(plan)}
}

// Backend implements he.Executor.
func (e *executor) Backend() he.Backend {
	p := e.plan
	return he.Backend{
		Name: "bgv", LogN: p.LogN(), LogQP: p.LogQ(), Slots: p.Slots(),
		PlaintextModuli: p.PlaintextModuli(), CiphertextModuli: p.CiphertextModuli(),
		SecurityBits: p.SecurityBits(), PredictedBits: p.PredictedNoiseBitsLeft(),
		Why: p.Why(), Budget: p.NoiseBudget(),
	}
}

// Run implements he.Executor: one batch and one plaintext prime at a time,
// to bound memory.
func (e *executor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	p := e.plan
	if err := p.program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	batches := (len(samples) + p.Slots() - 1) / p.Slots()
	r := &runState{executor: e, meter: meter.New(step, float64(batches*len(p.layout.t))*p.costs.batch(p.layout, p.circuit)), left: math.Inf(1)}
	if err := r.setup(); err != nil {
		return nil, err
	}
	for b := range batches {
		batch := samples[b*p.Slots() : min((b+1)*p.Slots(), len(samples))]
		if err := r.batch(ctx, batch); err != nil {
			return nil, err
		}
	}
	r.result.Answers = r.logits
	r.result.Accounts = []he.Account{r.server.nodeSeconds()}
	if batches > 0 {
		r.result.Accounts = append(r.result.Accounts, he.Noise{BitsLeft: r.left})
	}
	bytes := &r.result.Cost.Bytes
	primes := int64(len(p.layout.t))
	bytes.CiphertextIn = primes * p.serialisedBytes(p.inputs(), 1, len(p.layout.q))
	bytes.CiphertextOut = primes * p.serialisedBytes(p.circuit.out().elements, p.circuit.out().degree, p.layout.outLevel())
	return &r.result, nil
}

// runState is one run of an executor: its key, and what it has given so far.
type runState struct {
	*executor
	meter  *meter.Meter
	client *Client
	lifter *lifter
	left   float64
	logits he.Exact
	result he.Result
}

func (r *runState) setup() error {
	return r.meter.Timed("keygen", &r.result.Cost.Seconds.Keygen, func() (err error) {
		r.lifter = r.plan.newLifter()
		r.server.startClocks()
		r.client, err = NewClient(r.plan)
		return err
	})
}

// batch encrypts, evaluates and decrypts up to N samples, prime by prime.
func (r *runState) batch(ctx context.Context, samples []bundle.Sample) error {
	seconds := &r.result.Cost.Seconds
	residues := make([][][]uint64, len(r.plan.layout.t))
	for prime := range residues {
		err := r.meter.Timed("encrypt", &seconds.Encrypt, func() error {
			return r.client.Encrypt(ctx, samples, prime, &r.in, r.meter.Add)
		})
		if err != nil {
			return err
		}
		err = r.meter.Timed("evaluate", &seconds.Evaluate, func() error {
			return r.server.Evaluate(ctx, &r.in, &r.out, r.meter.Add)
		})
		if err != nil {
			return err
		}
		err = r.meter.Timed("decrypt", &seconds.Decrypt, func() error {
			var left float64
			var err error
			residues[prime], left, err = r.client.Decrypt(ctx, &r.out, r.meter.Add)
			r.left = min(r.left, left)
			return err
		})
		if err != nil {
			return err
		}
	}
	return r.meter.Timed("decrypt", &seconds.Decrypt, func() error { return r.lift(ctx, residues, len(samples)) })
}

func (r *runState) lift(ctx context.Context, residues [][][]uint64, samples int) error {
	logits := make([]bundle.Vec, samples)
	err := parallel.Run(ctx, r.plan.workers, samples, func(_, k int) (err error) {
		logits[k], err = r.lifter.vector(residues, k)
		return err
	}, nil)
	r.logits = append(r.logits, logits...)
	return err
}
