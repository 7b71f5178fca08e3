package calibrate

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The queue gives every step once, from the largest scale on.
func TestStepQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few distinct magnitudes, so that steps meet.
		magnitudes := rapid.SliceOfN(rapid.SampledFrom([]float64{0x1p-149, 1, 1.5, 3, 5, 7.25, 15, 0x1p127}), 1, 30).Draw(t, "magnitudes")
		levels := rapid.IntRange(1, 40).Draw(t, "levels")
		slices.Sort(magnitudes)
		slices.Reverse(magnitudes)
		var want, got []float64
		reached := make([]float64, levels+1) // the sum of the magnitudes that became each integer
		for _, m := range magnitudes {
			for k := range levels {
				want = append(want, m/(float64(k)+0.5))
			}
		}
		slices.Sort(want)
		slices.Reverse(want)
		for q := newStepQueue(magnitudes, levels); len(q.heads) > 0; {
			m, to := q.next()
			got = append(got, m/(float64(to)-0.5))
			reached[to] += m
		}
		if !slices.Equal(got, want) {
			t.Fatalf("steps at %v, want %v", got, want)
		}
		for k := 2; k <= levels; k++ {
			if reached[k] != reached[1] {
				t.Fatalf("magnitudes of sum %v become %d, of sum %v become 1", reached[k], k, reached[1])
			}
		}
	})
}

func TestSplit(t *testing.T) {
	for n := range 7 {
		done := make([]int, n)
		if err := split(n, func(from, to int) error {
			for k := from; k < to; k++ {
				done[k]++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(done, func(k int) bool { return k != 1 }) {
			t.Errorf("%d parts: done %v", n, done)
		}
	}
	first := errors.New("first")
	if err := split(100, func(from, _ int) error {
		if from == 0 {
			return first
		}
		return errors.New("another")
	}); err != first {
		t.Errorf("error %v", err)
	}
}
