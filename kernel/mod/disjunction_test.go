package mod

import (
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// Every bit of every word counts, at all lengths.
func TestDisjunction(t *testing.T) {
	cputest.Each(t, cpu.AVX2, func(t *testing.T, level cpu.Level) {
		r := seeded(9)
		for n := range 70 {
			x := make([]uint64, n)
			if got := Disjunction(level, x); got != 0 {
				t.Fatalf("%d zeros: got %#x", n, got)
			}
			for i := range x {
				x[i] = 1 << r.IntN(64)
				if got := Disjunction(level, x); got != x[i] {
					t.Fatalf("word %d of %d is %#x, others 0: got %#x", i, n, x[i], got)
				}
				x[i] = 0
			}
			want := uint64(0)
			for i := range x {
				x[i] = r.Uint64() & r.Uint64() & r.Uint64() & r.Uint64()
				want |= x[i]
			}
			if got := Disjunction(level, x); got != want {
				t.Fatalf("%d words: want %#x, got %#x", n, want, got)
			}
		}
	})
}
