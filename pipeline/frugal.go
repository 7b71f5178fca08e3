package pipeline

import (
	"context"
	"runtime/debug"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/choose"
	"qtool/he/lstm"
)

// frugal runs an executor with a smaller share of garbage than Go's, and puts that
// back afterwards.
type frugal struct {
	he.Executor
	percent int
}

// Unwrap is the executor itself.
func (f frugal) Unwrap() he.Executor { return f.Executor }

// Run implements he.Executor.
func (f frugal) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(f.percent))
	return f.Executor.Run(ctx, samples, step)
}

// garbage is the percentage of garbage that a plan is to run with, 0 for Go's. Encoded
// weights and keys of packed ciphertexts are gigabytes that stay: garbage worth as
// much again must not pile up before it is collected. Where a server holds more than a
// gigabyte, garbage of a fifth of it is much already, and a collection is cheap: it has few
// objects to look at beside the list of weights and keys.
func garbage(p *choose.Plan) int {
	switch plan := p.Backend.(type) {
	case *lstm.Plan:
		return 20
	case interface{ ServerBytes() int64 }:
		if plan.ServerBytes() > 1<<30 {
			return 5
		}
		return 20
	}
	return 0
}

// unwrapped is the executor without what was put around it.
func unwrapped(e he.Executor) he.Executor {
	for {
		u, ok := e.(interface{ Unwrap() he.Executor })
		if !ok {
			return e
		}
		e = u.Unwrap()
	}
}
