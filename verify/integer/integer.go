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
func (e *Executor) Run(ctx context.Context, images [][]uint8, step func(he.Step)) (*he.Result, error) {
	start := time.Now()
	logits, domains, err := e.each(ctx, images, step)
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

// Visit runs the images in order on one core and shows every tensor.
func (e *Executor) Visit(ctx context.Context, images [][]uint8, visit func(image, node int, out bundle.Vec)) error {
	for i, image := range images {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.check(image, i); err != nil {
			return err
		}
		if _, err := e.runner.Run(e.program.Input.Quantize(image), func(node int, out bundle.Vec) { visit(i, node, out) }); err != nil {
			return err
		}
	}
	return nil
}

func (e *Executor) check(image []uint8, i int) error {
	want := 1
	for _, d := range e.program.Input.Shape {
		want *= d
	}
	if len(image) != want {
		return fmt.Errorf("verify: image %d has %d values, the program takes shape %v", i, len(image), e.program.Input.Shape)
	}
	return nil
}

// chunk is the images between two looks at the context.
const chunk = 64

func (e *Executor) each(ctx context.Context, images [][]uint8, step func(he.Step)) ([]bundle.Vec, he.Domains, error) {
	logits := make([]bundle.Vec, len(images))
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
			for from := w * chunk; from < len(images); from += workers * chunk {
				to := min(from+chunk, len(images))
				for i := from; i < to; i++ {
					if errs[w] = e.check(images[i], i); errs[w] != nil {
						return
					}
					if logits[i], errs[w] = e.runner.RunRecurrent(e.program.Input.Quantize(images[i]), nil, inner); errs[w] != nil {
						errs[w] = fmt.Errorf("image %d: %w", i, errs[w])
						return
					}
				}
				if errs[w] = ctx.Err(); errs[w] != nil {
					return
				}
				if step != nil {
					mu.Lock()
					done += to - from
					step(he.Step{Phase: "evaluate", Done: done, Total: len(images)})
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
	if seen == nil || len(images) == 0 {
		return logits, nil, nil
	}
	return logits, seen.all, nil
}
