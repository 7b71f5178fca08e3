package mod

import (
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

func TestInnerIsItsDefinition(t *testing.T) {
	forAll(t, 20, func(t *testing.T, r *rand.Rand, m *Modulus, n int) {
		inverse := m.Inverse(m.power64())
		for _, count := range []int{0, 1, 2, 3, 7, 33, 130} {
			from := 8 * r.IntN(3)
			terms := make([]Term, count)
			for i := range terms {
				terms[i] = Term{edges(r, from+n, m.Q), edges(r, from+n, m.Q), edges(r, from+n, m.Q)}
				if i%2 == 0 { // the largest sums there are
					for k := range terms[i].S {
						if k%4 == 1 {
							terms[i].S[k], terms[i].A[k], terms[i].B[k] = m.Q-1, m.Q-1, m.Q-1
						}
					}
				}
			}
			a, b := make([]uint64, n), make([]uint64, n)
			m.Inner(a, b, terms, from)
			for name, c := range map[string]struct {
				got   []uint64
				other func(*Term) []uint64
			}{"a": {a, func(t *Term) []uint64 { return t.A }}, "b": {b, func(t *Term) []uint64 { return t.B }}} {
				want(t, fmt.Sprint(name, count), c.got, func(k int) uint64 {
					sum := uint64(0)
					for i := range terms {
						sum = (sum + m.Mul(m.Mul(terms[i].S[from+k], c.other(&terms[i])[from+k]), inverse)) % m.Q
					}
					return sum
				})
			}
		}
	})
}

func TestCombineAndCenterAreTheirDefinitions(t *testing.T) {
	forAll(t, 21, func(t *testing.T, r *rand.Rand, m *Modulus, n int) {
		for count := 1; count <= maxCombined; count++ {
			for _, short := range []bool{true, false} {
				limit := uint64(1) << 61
				if short {
					limit = 1 << 50
				}
				weights, x := edges(r, count, m.Q), make([][]uint64, count)
				for i := range x {
					x[i] = edges(r, n+3, limit)
				}
				dst := make([]uint64, n)
				m.Combine(dst, x, 3, m.Weighing(weights), short)
				want(t, fmt.Sprint("combine", count, short), dst, func(k int) uint64 {
					var sum, term big.Int
					for i, w := range weights {
						sum.Add(&sum, term.Mul(new(big.Int).SetUint64(w), new(big.Int).SetUint64(x[i][3+k])))
					}
					return sum.Mod(&sum, new(big.Int).SetUint64(m.Q)).Uint64()
				})
			}
		}
		for _, d := range testPrimes {
			src, dst := edges(r, n, d), make([]uint64, n)
			if n > 2 {
				src[0], src[1] = d/2, d/2+1
			}
			m.Center(dst, src, d)
			want(t, "center", dst, func(k int) uint64 {
				v := new(big.Int).SetUint64(src[k])
				if src[k] > d/2 {
					v.Sub(v, new(big.Int).SetUint64(d))
				}
				return v.Mod(v, new(big.Int).SetUint64(m.Q)).Uint64()
			})
		}
	})
}

func TestNearestOfAllLevels(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	r := seeded(22)
	for range 50 {
		n, count, first, last := 8*r.IntN(20), 1+r.IntN(5), 0.0, 0.5
		if r.IntN(2) == 0 {
			first, last = last, first
		}
		x, share := make([][]uint64, count), make([]float64, count)
		for i := range share {
			x[i] = edges(r, n+3, 1<<60)
			share[i] = 1 / float64(uint64(1)<<59+r.Uint64N(1<<60))
		}
		want := make([]uint64, n)
		nearestAt(cpu.Portable, want, x, 3, share, first, last)
		for _, level := range levels[1:] {
			got := make([]uint64, n)
			nearestAt(level, got, x, 3, share, first, last)
			if !slices.Equal(got, want) {
				t.Fatalf("%v, %d vectors of %d words: %v and %v", level, count, n, got, want)
			}
		}
	}
}

// The permutations of automorphisms, from their definition: word i of a
// transform is the value at psi^(2 brv(i) + 1).
func TestPermutationOfAutomorphisms(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	r := seeded(23)
	for _, log := range []int{4, 6, 10} {
		n := 1 << log
		reverse := func(i uint64) uint64 { return bits.Reverse64(i) >> (64 - log) }
		for _, g := range []uint64{3, 5, 25, uint64(2*n - 1), 2*uint64(r.IntN(n)) + 1} {
			from := make([]uint64, n)
			for i := range from {
				e := g * (2*reverse(uint64(i)) + 1) % uint64(2*n)
				from[i] = reverse((e - 1) / 2)
			}
			p := automorphism(t, n, g)
			if p.halves == nil {
				t.Fatalf("X^%d of degree %d tears halves of blocks apart", g, n)
			}
			for _, level := range levels {
				m := NewAt(level, testPrimes[0])
				x, y := edges(r, n, m.Q), edges(r, n, m.Q)
				moved, added := make([]uint64, n), slices.Clone(y)
				for a := 0; a < n; a += n / 2 {
					p.Scatter(m, moved, x[a:a+n/2], a, false)
					p.Scatter(m, added, x[a:a+n/2], a, true)
				}
				want(t, "moved", moved, func(k int) uint64 { return x[from[k]] })
				want(t, "added", added, func(k int) uint64 { return (y[k] + x[from[k]]) % m.Q })
			}
		}
	}
	for name, bad := range map[string][]uint64{
		"length":  {0, 1, 2},
		"twice":   {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7},
		"outside": {16, 17, 18, 19, 20, 21, 22, 23},
		"torn":    {0, 9, 2, 3, 4, 5, 6, 7, 8, 1, 10, 11, 12, 13, 14, 15},
		"orders":  {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11, 12, 13, 14, 15},
	} {
		if _, err := NewPermutation(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
