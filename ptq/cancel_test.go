package ptq

import (
	"context"
	"errors"
	"qtool/calibrate"
	"qtool/model"
	"sync/atomic"
	"testing"
)

// after is a context that ends at its n-th question.
type after struct {
	context.Context
	left atomic.Int64
}

func newAfter(n int64) *after {
	a := &after{Context: context.Background()}
	a.left.Store(n)
	return a
}

func (a *after) Err() error {
	if a.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// sweep ends run's context at its first question, its second, and on, in steps that
// grow, until run is done before: each time it must give the context's error, and
// ask no more than a few times again.
func sweep(t *testing.T, name string, least int64, run func(ctx context.Context) (result bool, err error)) {
	t.Helper()
	for n := int64(0); ; n += 1 + n/8 {
		ctx := newAfter(n)
		result, err := run(ctx)
		if left := ctx.left.Load(); left >= 0 {
			if err != nil || !result {
				t.Errorf("%s: done with error %v", name, err)
			}
			if n < least {
				t.Errorf("%s asks %d times whether to go on, want at least %d", name, n-left, least)
			}
			return
		} else if left < -200 {
			t.Errorf("%s goes on for %d questions when it should end", name, -left)
		}
		if result || !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: cancelled at question %d: a result %v, error %v", name, n, result, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	n, p := measured(100, "minimax")
	images := ramp()
	sweep(t, "Approximate", 400, func(ctx context.Context) (bool, error) {
		got, q, err := Approximate(ctx, n, p, images, 1000)
		return got != nil || q != nil, err
	})
	for name, o := range map[string]Options{"nearest": {}, "bias correction": {BiasCorrection: true}, "learned rounding": {LearnedRounding: true, BiasCorrection: true}} {
		k := task(t, o, calibrate.WeightConfig{Bits: 4})
		sweep(t, name, 5, func(ctx context.Context) (bool, error) {
			r, err := Run(ctx, k)
			return r != nil, err
		})
	}
	tables := task(t, Options{}, calibrate.WeightConfig{Bits: 4})
	tables.Network = chain(model.Layer{Type: model.Sigmoid})
	tables.Config.Activations = calibrate.ActivationConfig{InputConfig: calibrate.InputConfig{Bits: 4}}
	sweep(t, "tables", 60, func(ctx context.Context) (bool, error) {
		r, err := Run(ctx, tables)
		return r != nil, err
	})
}
