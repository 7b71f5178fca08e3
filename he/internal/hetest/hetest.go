// Package hetest has what tests of several executors look at results with.
package hetest

import (
	"context"
	"errors"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
)

// T is what a failing test needs: of package testing, or of package rapid.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Exact are the integers of a result. It ends a test of which they are not.
func Exact(t T, r *he.Result) he.Exact {
	t.Helper()
	a, ok := r.Answers.(he.Exact)
	if !ok {
		t.Fatalf("answers of type %T, want integers", r.Answers)
	}
	return a
}

// Approximate are the reals of a result. It ends a test of which they are not.
func Approximate(t T, r *he.Result) he.Approximate {
	t.Helper()
	a, ok := r.Answers.(he.Approximate)
	if !ok {
		t.Fatalf("answers of type %T, want reals", r.Answers)
	}
	return a
}

// Account is the account of type A in a result. It ends a test of a result without.
func Account[A he.Account](t T, r *he.Result) A {
	t.Helper()
	a, ok := he.AccountOf[A](r)
	if !ok {
		t.Fatalf("no account of type %T among %v", a, r.Accounts)
	}
	return a
}

// NoiseLeft is the measured noise budget of a result, in bits.
func NoiseLeft(t T, r *he.Result) float64 {
	t.Helper()
	return Account[he.Noise](t, r).BitsLeft
}

// Cancelled ends the context of a run of a new executor for p in each phase, and wants its
// error, no result, and no more than most steps behind the end; and the reference's
// integers of the executor's next run.
func Cancelled(t testing.TB, p *bundle.Program, most int, newExecutor func() he.Executor, samples []bundle.Sample) {
	t.Helper()
	for _, phase := range []string{"keygen", "encrypt", "evaluate", "decrypt"} {
		ctx, cancel := context.WithCancel(t.Context())
		after := 0
		e := newExecutor()
		result, err := e.Run(ctx, samples, func(s he.Step) {
			if ctx.Err() != nil {
				after++
			}
			if s.Phase == phase {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) || result != nil {
			t.Errorf("cancelled in %s: %v, %v", phase, result, err)
		}
		if after > most {
			t.Errorf("cancelled in %s: %d steps more, want %d at most", phase, after, most)
		}
		if result, err = e.Run(t.Context(), samples[:1], nil); err != nil {
			t.Fatalf("after a run that was cancelled in %s: %v", phase, err)
		}
		bundletest.CheckExact(t, p, samples[:1], Exact(t, result))
	}
}
