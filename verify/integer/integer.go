// Package integer is the reference executor: the bundle's own interpreter on
// plain integers, spread over the cores.
package integer

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/internal/parallel"
)

// Executor implements he.Executor.
type Executor struct {
	program *bundle.Program
	runner  *bundle.Runner
}

// New checks and lowers p.
func New(p *bundle.Program) (*Executor, error) {
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, err
	}
	return &Executor{p, r}, nil
}

// batch is how many samples a verification has encoded at a time. Run takes any number.
const batch = 1 << 10

// Backend implements he.Executor.
func (e *Executor) Backend() he.Backend {
	return he.Backend{Name: "integer", Slots: batch, Why: []string{"plain integers, no encryption"}}
}

// Run implements he.Executor.
func (e *Executor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	if err := e.program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	start := time.Now()
	logits, domains, err := e.each(ctx, samples, step)
	if err != nil {
		return nil, err
	}
	r := &he.Result{Answers: he.Exact(logits)}
	if domains != nil {
		r.Accounts = []he.Account{domains}
	}
	r.Cost.Seconds.Evaluate = time.Since(start).Seconds()
	return r, nil
}

// chunk is the samples between two looks at the context.
const chunk = 64

func (e *Executor) each(ctx context.Context, samples []bundle.Sample, step func(he.Step)) ([]bundle.Vec, he.Domains, error) {
	logits, workers := make([]bundle.Vec, len(samples)), runtime.GOMAXPROCS(0)
	seen, see := make([]*domains, workers), make([]func(node, step, body int, out bundle.Vec), workers)
	for w := range seen {
		seen[w] = newDomains(e.program)
		see[w] = seen[w].see(e.program)
	}
	done := 0
	err := parallel.Run(ctx, workers, (len(samples)+chunk-1)/chunk, func(w, c int) (err error) {
		for i := c * chunk; i < min((c+1)*chunk, len(samples)); i++ {
			if logits[i], err = e.runner.RunRecurrent(samples[i].Vec(), nil, see[w]); err != nil {
				return fmt.Errorf("sample %d: %w", i, err)
			}
		}
		return nil
	}, func() {
		done = min(done+chunk, len(samples)) // the last, short chunk counts as a whole one
		if step != nil {
			step(he.Step{Phase: "evaluate", Done: done, Total: len(samples)})
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if seen[0] == nil || len(samples) == 0 {
		return logits, nil, nil
	}
	for _, d := range seen[1:] {
		seen[0].merge(d)
	}
	return logits, seen[0].all, nil
}
