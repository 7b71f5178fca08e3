package parallel

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

func TestRunDoesEveryTaskOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 7} {
		for _, n := range []int{0, 1, 5, 100} {
			done, counts := 0, make([]atomic.Int32, n)
			err := Run(context.Background(), workers, n, func(w, i int) error {
				if w < 0 || w >= workers {
					t.Errorf("worker %d of %d", w, workers)
				}
				counts[i].Add(1)
				return nil
			}, func() { done++ })
			if err != nil || done != n {
				t.Errorf("%d workers, %d tasks: %d done, %v", workers, n, done, err)
			}
			for i := range counts {
				if c := counts[i].Load(); c != 1 {
					t.Errorf("%d workers: task %d of %d was done %d times", workers, i, n, c)
				}
			}
		}
	}
}

func TestRunStops(t *testing.T) {
	failure := errors.New("failure")
	var ran atomic.Int32
	err := Run(context.Background(), 3, 1000, func(_, i int) error {
		ran.Add(1)
		if i == 10 {
			return failure
		}
		return nil
	}, nil)
	if !errors.Is(err, failure) || ran.Load() == 1000 {
		t.Errorf("%v after %d tasks", err, ran.Load())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran.Store(0)
	err = Run(ctx, 3, 1000, func(_, i int) error {
		if ran.Add(1) == 5 {
			cancel()
		}
		return nil
	}, nil)
	if !errors.Is(err, context.Canceled) || ran.Load() > 8 {
		t.Errorf("%v after %d tasks", err, ran.Load())
	}
}
