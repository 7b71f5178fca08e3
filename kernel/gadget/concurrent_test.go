package gadget

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// Goroutines share a gadget and its keys, each with words of its own, and get what
// one of them alone gets.
func TestConcurrentUse(t *testing.T) {
	cputest.Each(t, cpu.IFMA, func(t *testing.T, level cpu.Level) {
		const n = 67
		rng := rand.New(rand.NewPCG(6, 6))
		for _, q := range primes {
			g := NewAt(level, q, 3, 8, 2)
			residues := func() []uint64 { return words(n, func() uint64 { return edge(rng, q) }) }
			a, b, keys := residues(), residues(), [][]uint64{residues(), residues()}
			work := func() []uint64 {
				digits, sum := [][]uint64{make([]uint64, n), make([]uint64, n)}, make([]uint64, n)
				g.Split(digits, a, b, true)
				g.Inner(sum, digits, keys)
				g.Add(sum, a)
				return sum
			}
			want := work()
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					for range 20 {
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
