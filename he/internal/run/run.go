// Package run is the loop in which every executor plays client and server: keys once,
// then batch by batch.
package run

import (
	"context"
	"fmt"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
)

// Session is one client and one server of a plan in one process, with their keys.
type Session interface {
	// Batch encrypts, evaluates and decrypts samples, as many as the plan takes at once
	// or fewer. It tells m of phases and of work that is done. The result has the bytes
	// of ciphertexts; the bytes of keys are not its to tell.
	Batch(ctx context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error)
}

// Made is what it took to start a Session.
type Made struct {
	KeyBytes int64   // of the evaluation keys
	Encode   float64 // seconds of the whole that went into encoding weights
}

// Plan is what the loop must know of an executor's plan.
type Plan struct {
	Package string // that speaks in errors
	Program *bundle.Program
	Backend he.Backend
	Slots   int // samples a batch
	// KeyWork and BatchWork are the predicted nanoseconds of starting a session and of
	// a batch: what steps are counted in. What a batch did not tell is counted at its
	// end.
	KeyWork, BatchWork float64
	// Latency, if not nil, is what the plan says of a single sample's; the times of
	// each are then an account of the run.
	Latency *he.Latency
	// Start makes keys.
	Start func(ctx context.Context, m *meter.Meter) (Session, Made, error)
}

// Executor implements he.Executor. Its keys, and the memory of its ciphertexts, are made
// in its first run and kept, so that samples may come batch by batch. It is not safe for
// concurrent use.
type Executor struct {
	plan    Plan
	session Session // nil before the first run
	made    Made
}

// New returns the executor of a plan, which must have been made for the program p.
func New(p *bundle.Program, plan Plan) *Executor {
	if plan.Program != p {
		panic(plan.Package + ": the plan was made for another program")
	}
	return &Executor{plan: plan}
}

// Backend implements he.Executor.
func (e *Executor) Backend() he.Backend { return e.plan.Backend }

// Run implements he.Executor.
func (e *Executor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	p := &e.plan
	if err := p.Program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Package, err)
	}
	batches := (len(samples) + p.Slots - 1) / p.Slots
	keys, each, keygen, encode := 0.0, max(p.BatchWork, 1), 0.0, 0.0
	if e.session == nil {
		keys = p.KeyWork
	}
	m := meter.New(step, keys+float64(float64(batches)*each))
	if e.session == nil {
		err := m.Timed("keygen", &keygen, func() (err error) {
			e.session, e.made, err = p.Start(ctx, m)
			return err
		})
		if err != nil {
			e.session = nil
			return nil, err
		}
		encode = e.made.Encode
		keygen -= encode
	}
	var parts []*he.Result
	for from := 0; from < len(samples); from += p.Slots {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := samples[from:min(from+p.Slots, len(samples))]
		part, err := e.session.Batch(ctx, batch, m)
		if err != nil {
			return nil, he.InSamples(err, from, len(batch), len(samples))
		}
		if p.Latency != nil {
			part.Accounts = append(part.Accounts, p.latency(part.Cost, encode))
			encode = 0
		}
		parts = append(parts, part)
		m.Reach(keys + float64(float64(len(parts))*each))
	}
	r := he.Join(parts)
	if len(parts) == 0 {
		if r.Answers = he.Answers(he.Exact{}); p.Backend.Approximate {
			r.Answers = he.Approximate{}
		}
	}
	r.Cost.Seconds.Keygen, r.Cost.Bytes.Keys = keygen, e.made.KeyBytes
	return r, nil
}

// latency is the time of one sample.
func (p *Plan) latency(c he.Cost, encode float64) *he.Latency {
	l := *p.Latency
	l.Encrypt, l.Evaluate, l.Decrypt = c.Seconds.Encrypt, c.Seconds.Evaluate, c.Seconds.Decrypt
	l.First, l.Encode = l.Evaluate, encode
	return &l
}

// Phases is what a batch, or one plaintext prime of it, goes through: ciphertexts of type
// In reach the server, ciphertexts of type Out come back. It adds the seconds of each phase to
// the cost.
func Phases[In, Out, A any](m *meter.Meter, c *he.Cost, encrypt func() (In, error), evaluate func(In) (Out, error), decrypt func(Out) (A, error)) (answers A, err error) {
	var in In
	var out Out
	err = m.Timed("encrypt", &c.Seconds.Encrypt, func() (err error) {
		in, err = encrypt()
		return err
	})
	if err != nil {
		return answers, err
	}
	err = m.Timed("evaluate", &c.Seconds.Evaluate, func() (err error) {
		out, err = evaluate(in)
		return err
	})
	if err != nil {
		return answers, err
	}
	err = m.Timed("decrypt", &c.Seconds.Decrypt, func() (err error) {
		answers, err = decrypt(out)
		return err
	})
	return answers, err
}
