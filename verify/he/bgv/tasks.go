package bgv

import (
	"context"

	"qtool/verify/he/parallel"
)

// run is parallel.Run.
func run(ctx context.Context, workers, n int, task func(worker, i int) error, done func()) error {
	return parallel.Run(ctx, workers, n, task, done)
}
