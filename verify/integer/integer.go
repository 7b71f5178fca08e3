// Package integer is the reference executor: the bundle's own interpreter on
// plain integers, spread over the cores.
package integer

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"qtool/bundle"
	"qtool/he"
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

// Backend implements he.Executor.
func (e *Executor) Backend() he.Backend {
	return he.Backend{Name: "integer", Why: []string{"plain integers, no encryption"}}
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
	logits := make([]bundle.Vec, len(samples))
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, seen := 0, newDomains(e.program)
	for w := range workers {
		wg.Go(func() {
			own := newDomains(e.program)
			inner := own.see(e.program)
			if own != nil {
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					seen.merge(own)
				}()
			}
			for from := w * chunk; from < len(samples); from += workers * chunk {
				to := min(from+chunk, len(samples))
				for i := from; i < to; i++ {
					if logits[i], errs[w] = e.runner.RunRecurrent(samples[i].Vec(), nil, inner); errs[w] != nil {
						errs[w] = fmt.Errorf("sample %d: %w", i, errs[w])
						return
					}
				}
				if errs[w] = ctx.Err(); errs[w] != nil {
					return
				}
				if step != nil {
					mu.Lock()
					done += to - from
					step(he.Step{Phase: "evaluate", Done: done, Total: len(samples)})
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	if seen == nil || len(samples) == 0 {
		return logits, nil, nil
	}
	return logits, seen.all, nil
}
