package f32

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Goroutines share inputs, each with results of its own, and get what one of them
// alone gets.
func TestConcurrentUse(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const m, k, n = 7, 9, 50
		r := newRand(11)
		a, b := values(r, m*k, 0.01), values(r, k*n, 0.01)
		terms := make([]Term, k)
		for i := range terms {
			terms[i] = Term{i, i * n}
		}
		runs := Runs{b, n}
		work := func() []float32 {
			dst := make([]float32, m*n+m)
			Product(Matrix{dst[:m*n], n}, a[:m], Matrix{a, k}, b, terms, m, n)
			Dots(Matrix{dst[m*n:], 1}, Runs{dst, n}, n, runs, []int{0}, m, n, 1)
			row := dst[:n]
			Sigmoid(row, row)
			Grid{0.25, -7, 7}.Quantize(dst[n:2*n], row)
			Peak(1)
			return dst
		}
		want := work()
		var group sync.WaitGroup
		faults := make([]string, 4)
		for g := range faults {
			group.Go(func() {
				for range 20 {
					if got := work(); !slices.EqualFunc(got, want, same) {
						faults[g] = fmt.Sprintf("other values than alone: %v, want %v", got, want)
					}
				}
			})
		}
		group.Wait()
		for _, f := range faults {
			if f != "" {
				t.Error(f)
			}
		}
	})
}
