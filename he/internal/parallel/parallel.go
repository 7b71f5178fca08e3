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
