package datasets

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// The digits dataset: generated pictures of handwritten-like digits. Its bytes
// are a constant of this package, the same on every machine; a change to
// anything that they depend on is a change of the dataset.
const (
	digitSeed    = 1
	digitTrain   = 12000
	digitTest    = 5000
	digitClasses = 10
	digitSide    = 28 // pixels
)

// loadDigits generates the dataset, on all cores. Classes are balanced and in
// random order; image i of the whole (test after train) depends on digitSeed,
// its label and i only.
func loadDigits(ctx context.Context, _ Options) (*Dataset, error) {
	train, err := drawSplit(ctx, 0, digitTrain)
	if err != nil {
		return nil, err
	}
	test, err := drawSplit(ctx, digitTrain, digitTest)
	if err != nil {
		return nil, err
	}
	return newDataset("digits", train, test, digitClasses)
}

// drawSplit generates the n images that begin at index first of the whole.
func drawSplit(ctx context.Context, first, n int) (*Split, error) {
	s := &Split{
		Images: make([]uint8, n*digitSide*digitSide),
		Labels: make([]uint8, n),
		Shape:  []int{1, digitSide, digitSide},
	}
	for i, j := range newSource(digitSeed, streamDigitLabels, uint64(first)).permutation(n) {
		s.Labels[i] = uint8(j % digitClasses)
	}
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			pen := new(digitPen)
			for i := w * n / workers; i < (w+1)*n/workers && ctx.Err() == nil; i++ {
				pen.seed(digitSeed, streamDigits, uint64(first+i))
				pen.write(s.Image(i), int(s.Labels[i]))
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("datasets: digits: %w", err)
	}
	return s, nil
}
