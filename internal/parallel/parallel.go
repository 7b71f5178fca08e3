// Package parallel spreads tasks over goroutines.
package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Run does tasks 0..n-1 on the workers, in order of start. It returns the first
// error, or ctx.Err() as soon as every worker has finished the task it was at.
// done, if not nil, is called after each task from one goroutine at a time.
func Run(ctx context.Context, workers, n int, task func(worker, i int) error, done func()) error {
	var (
		next atomic.Int64
		wg   sync.WaitGroup
		mu   sync.Mutex
		err  error
	)
	fail := func(e error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			err = e
		}
		next.Store(int64(n))
	}
	for w := range min(workers, n) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if e := ctx.Err(); e != nil {
					fail(e)
					return
				}
				if e := task(w, i); e != nil {
					fail(e)
					return
				}
				if done != nil {
					mu.Lock()
					done()
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return err
}

// With is Run for tasks that need something of a worker's own: begin gives it before the
// worker's first task, and end, if not nil, takes it back behind the last.
func With[E any](ctx context.Context, workers, n int, begin func() E, task func(own E, i int) error, end func(E)) error {
	owned := make([]E, min(workers, n))
	begun := make([]bool, len(owned))
	err := Run(ctx, workers, n, func(w, i int) error {
		if !begun[w] {
			owned[w], begun[w] = begin(), true
		}
		return task(owned[w], i)
	}, nil)
	for w := range owned {
		if end != nil && begun[w] {
			end(owned[w])
		}
	}
	return err
}

// Each does tasks 0..n-1 that cannot fail on the workers, of which the caller is one: for
// passes so short that they are not interrupted.
func Each(workers, n int, task func(i int)) {
	workers = min(workers, n)
	if workers <= 1 {
		for i := range n {
			task(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	loop := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			task(i)
		}
	}
	for range workers - 1 {
		wg.Go(loop)
	}
	loop()
	wg.Wait()
}
