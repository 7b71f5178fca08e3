package mod

import (
	"slices"
	"sync"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// Goroutines share a modulus and all that is prepared for it, each with words of
// its own, and get what one of them alone gets. -race sees what portable kernels
// touch; of the assembly's it sees the results.
func TestConcurrentUse(t *testing.T) {
	cputest.Each(t, cpu.IFMA, func(t *testing.T, level cpu.Level) {
		const n, rows, taps = 256, 15, 9
		for _, q := range testPrimes {
			m := NewAt(level, q)
			f := transform(t, level, q, n)
			r := seeded(31)
			weights := m.Weights(randomRows(r, rows, taps, 7))
			factor, dotFactor := m.Factor(q/3), m.DotFactor(q/5)
			pairs := NewPairs([][2]int{{0, n}}, [][2]int{{n, 0}})
			x, fixed := edges(r, taps*n, q), edges(r, n, q)
			prepared := m.Fixed(fixed)
			offsets := make([]int64, taps)
			for k := range offsets {
				offsets[k] = int64(k * n)
			}
			work := func() []uint64 {
				dst := make([]uint64, rows*n)
				weights.Apply(dst, n, x, offsets, nil, n)
				m.Reduce(dst[:n], dst[n:2*n], 1)
				m.Scale(dst[:n], dst[:n], factor)
				m.MulAdd(dst[n:2*n], dst[:n], prepared, x[:n])
				f.Forward(dst[:n])
				f.Inverse(dst[2*n : 3*n])
				m.Dot(dst[3*n:4*n], x, x, pairs, dotFactor)
				return dst
			}
			want := work()
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					for range 3 {
						if !slices.Equal(work(), want) {
							t.Errorf("%v, q %d: other words than alone", level, q)
						}
					}
				})
			}
			group.Wait()
		}
	})
}
