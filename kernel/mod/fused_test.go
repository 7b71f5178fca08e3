package mod

import (
	"math/rand/v2"
	"slices"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// fusedPrimes are at the limits of arithmetic on float64: the least modulus, primes
// beside powers of two, and the greatest below 2^50.
var fusedPrimes = []uint64{65537, 131071, 8589934583, 140737488355213, 562949953421231, 1125899906842597}

// Kernels of AVX2 and their portable twins agree on the greatest and least words and
// on random ones.
func TestFusedAtTheirLimits(t *testing.T) {
	if levels := cputest.Levels(t, cpu.IFMA); !slices.Contains(levels, cpu.AVX2) {
		return
	}
	r := seeded(31)
	const n = 64
	for _, q := range fusedPrimes {
		m, twin := NewAt(cpu.AVX2, q), NewAt(cpu.Portable, q)
		if !m.fused() {
			t.Fatalf("q %d has no kernels on float64", q)
		}
		for round := range 40 {
			residues := func() []uint64 { return extremes(r, n, q, round) }
			a, b, c := residues(), residues(), residues()
			short, long := extremes(r, n, 1<<52, round), extremes(r, n, 1<<63, round)
			for i := range long {
				long[i] = long[i]<<1 | long[i]&1
			}
			e := make([]int64, n)
			for i := range e {
				e[i] = int64(extremes(r, 1, q, round)[0])
				if i%2 == 0 {
					e[i] = -e[i]
				}
			}
			w, add := edge(r, q), extremes(r, 1, 1<<63, round)[0]
			weights := extremes(r, maxCombined, q, round)
			var x [][]uint64
			for range weights {
				x = append(x, extremes(r, n, 1<<50, round))
			}
			results := func(m *Modulus) map[string][]uint64 {
				all := map[string][]uint64{}
				result := func(name string) []uint64 {
					all[name] = make([]uint64, n)
					return all[name]
				}
				f := m.Factor(w)
				m.Reduce(result("reduce"), long, add)
				m.Scale(result("scale"), short, f)
				m.SubScale(result("subScale"), a, b, f)
				m.AddScale(result("addScale"), a, short, f)
				m.MulAdd(result("mulAdd"), a, m.Fixed(b), c)
				m.Embed(result("embed"), long, e, f)
				m.Add(result("add"), a, b)
				m.Center(result("center"), short, 1<<52-1)
				m.Combine(result("combine"), x, 0, m.Weighing(weights), true)
				return all
			}
			got := results(m)
			for name, want := range results(twin) {
				if !slices.Equal(got[name], want) {
					t.Fatalf("%s modulo %d, round %d: want %d, got %d", name, q, round, want, got[name])
				}
			}
		}
	}
}

// extremes are bound-1 in the first round, bound/2 and what is beside it in the
// second, and edges in the others.
func extremes(r *rand.Rand, n int, bound uint64, round int) []uint64 {
	x := edges(r, n, bound)
	for i := range x {
		switch round {
		case 0:
			x[i] = bound - 1
		case 1:
			x[i] = bound/2 + uint64(i%3) - 1
		}
	}
	return x
}

// Sums of so many products of the greatest words that groups are full, one more and
// one less.
func TestFusedSumsAtTheirLimits(t *testing.T) {
	if levels := cputest.Levels(t, cpu.IFMA); !slices.Contains(levels, cpu.AVX2) {
		return
	}
	r := seeded(32)
	for _, q := range fusedPrimes {
		m, twin := NewAt(cpu.AVX2, q), NewAt(cpu.Portable, q)
		group, _ := m.lazyGroup()
		for _, count := range []int{1, int(min(group, 200)), int(min(group-1, 200)), int(min(group+1, 200)), int(min(3*group+1, 200))} {
			for round := range 4 {
				const n = 24
				terms := make([]Term, count)
				var pairs [][2]int
				var x, y []uint64
				for i := range terms {
					terms[i] = Term{extremes(r, n+8, q, round), extremes(r, n+8, q, round), extremes(r, n+8, q, round)}
					pairs = append(pairs, [2]int{len(x), len(y)})
					x, y = append(x, terms[i].S...), append(y, terms[i].A...)
				}
				for _, from := range []int{0, 8} {
					var got, want [2][n]uint64
					m.Inner(got[0][:], got[1][:], terms, from)
					twin.Inner(want[0][:], want[1][:], terms, from)
					if got != want {
						t.Fatalf("inner product of %d terms modulo %d, round %d: want %d, got %d", count, q, round, want, got)
					}
				}
				for name, p := range map[string]Pairs{"plain": NewPairs(nil, pairs), "mixed": NewPairs(pairs, nil), "both": NewPairs(pairs, pairs)} {
					got, want := make([]uint64, n), make([]uint64, n)
					m.Dot(got, x, y, p, m.DotFactor(q-1))
					twin.Dot(want, x, y, p, twin.DotFactor(q-1))
					if !slices.Equal(got, want) {
						t.Fatalf("%d %s products modulo %d, round %d: want %d, got %d", count, name, q, round, want, got)
					}
				}
			}
		}
	}
}
