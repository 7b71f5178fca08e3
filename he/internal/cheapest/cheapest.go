// Package cheapest chooses among candidate parameters: what the planners of the exact
// batch executors have in common.
package cheapest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Candidate is a choice of parameters whose primes are not found yet.
type Candidate interface {
	// Cost is the predicted nanoseconds of one core for a sample.
	Cost() float64
	// LogModulus is log2 of the longest modulus.
	LogModulus() float64
	// Secure is nil, or package security's error for the ring and the modulus.
	Secure() error
}

// Options say what a search may take.
type Options struct {
	Package string // that speaks in errors
	// Forced says that the caller named the ring degree, AllowInsecure that its risk is
	// accepted then.
	Forced, AllowInsecure bool
	// Excluded, if not nil, is asked where no secure candidate will do: whether another
	// bound than the security limit excludes them all.
	Excluded func(context.Context) error
}

// Choose sorts the candidates by cost, stably, and realises the first of them that is
// secure and of which realise has no error. at is its index. A forced ring that is
// insecure is taken if that is allowed. l is nil where no candidate will do. The error is
// ctx's once ctx is done, the error of Excluded, or the error about security where a
// forced ring lacks security alone.
func Choose[C Candidate, L any](ctx context.Context, all []C, o Options, realise func(c C, secure bool) (*L, error)) (l *L, at int, err error) {
	slices.SortStableFunc(all, func(a, b C) int { return cmp.Compare(a.Cost(), b.Cost()) })
	if l, at, err = first(ctx, all, true, realise); l != nil || err != nil {
		return l, at, err
	}
	if o.Excluded != nil {
		if err := o.Excluded(ctx); err != nil {
			return nil, 0, err
		}
	}
	if !o.Forced || len(all) == 0 {
		return nil, 0, nil
	}
	if o.AllowInsecure {
		if l, at, err = first(ctx, all, false, realise); l != nil || err != nil {
			return l, at, err
		}
	}
	shortest := slices.MinFunc(all, func(a, b C) int { return cmp.Compare(a.LogModulus(), b.LogModulus()) })
	if err := shortest.Secure(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", o.Package, err)
	}
	return nil, 0, nil
}

// first realises the first candidate that it can, which must be secure if so asked.
func first[C Candidate, L any](ctx context.Context, all []C, secure bool, realise func(c C, secure bool) (*L, error)) (*L, int, error) {
	for i, c := range all {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if secure && c.Secure() != nil {
			continue
		}
		if l, err := realise(c, secure); err == nil {
			return l, i, nil
		}
	}
	return nil, 0, nil
}
