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

// forAll runs check for every level, prime and a choice of lengths.
func forAll(t *testing.T, seed uint64, check func(t *testing.T, r *rand.Rand, m *Modulus, n int)) {
	levels := cputest.Levels(t, cpu.IFMA)
	r := seeded(seed)
	for _, level := range levels {
		for _, q := range testPrimes {
			for _, n := range []int{0, 1, 8, 13, 32, 64, 96, 128} {
				t.Run(fmt.Sprintf("%v/%d/%d", level, q, n), func(t *testing.T) { check(t, r, NewAt(level, q), n) })
			}
		}
	}
}

func want(t *testing.T, name string, got []uint64, f func(k int) uint64) {
	t.Helper()
	for k := range got {
		if w := f(k); got[k] != w {
			t.Fatalf("%s, word %d: want %d, got %d", name, k, w, got[k])
		}
	}
}

func TestVectorsAreTheirDefinitions(t *testing.T) {
	forAll(t, 7, func(t *testing.T, r *rand.Rand, m *Modulus, n int) {
		q := m.Q
		dst := make([]uint64, n)
		a, b, any := edges(r, n, q), edges(r, n, q), edges(r, n, 1<<63)
		short := edges(r, n, 1<<52)
		w, add := edge(r, q), edge(r, q)
		f := m.Factor(w)
		m.Reduce(dst, any, add)
		want(t, "reduce", dst, func(k int) uint64 { return (any[k] + add) % q })
		signed, lift := make([]uint64, n), ((1<<61)/q+1)*q
		for k, x := range edges(r, n, 1<<62) {
			signed[k] = x - 1<<61
		}
		m.Reduce(dst, signed, lift)
		want(t, "reduce signed", dst, func(k int) uint64 { return m.Residue(int64(signed[k])) })
		m.Scale(dst, short, f)
		want(t, "scale", dst, func(k int) uint64 { return m.Mul(short[k]%q, w) })
		m.SubScale(dst, a, b, f)
		want(t, "subScale", dst, func(k int) uint64 { return m.Mul((a[k]+q-b[k])%q, w) })
		m.AddScale(dst, a, short, f)
		want(t, "addScale", dst, func(k int) uint64 { return (a[k] + m.Mul(short[k]%q, w)) % q })
		m.Add(dst, a, b)
		want(t, "add", dst, func(k int) uint64 { return (a[k] + b[k]) % q })
		m.AddConstant(dst, a, w)
		want(t, "addConstant", dst, func(k int) uint64 { return (a[k] + w) % q })
		small := make([]int64, n)
		for k := range small {
			small[k] = int64(edge(r, 42)) - 21
		}
		words := edges(r, n, 1<<63)
		for k := range words {
			words[k] += words[k] & 1 << 63 // any of 64 bits
		}
		m.Embed(dst, words, small, f)
		want(t, "embed", dst, func(k int) uint64 { return (m.Mul(words[k]%q, w) + m.Residue(small[k])) % q })
		m.SubScale(a, a, b, f) // in place
		if n%8 == 0 {
			c := edges(r, n, q)
			m.MulAdd(dst, a, m.Fixed(b), c)
			want(t, "mulAdd", dst, func(k int) uint64 { return (m.Mul(a[k], b[k]) + c[k]) % q })
		}
	})
}

func TestDotIsItsDefinition(t *testing.T) {
	forAll(t, 8, func(t *testing.T, r *rand.Rand, m *Modulus, n int) {
		for range 4 {
			x, y := edges(r, n+100, m.Q), edges(r, n+50, m.Q)
			list := func() [][2]int {
				p := make([][2]int, r.IntN([]int{3, 20, 100}[r.IntN(3)]))
				for i := range p {
					p[i] = [2]int{r.IntN(101), r.IntN(51)}
				}
				return p
			}
			mixed, plain := list(), list()
			w, dst := edge(r, m.Q), make([]uint64, n)
			m.Dot(dst, x, y, NewPairs(mixed, plain), m.DotFactor(w))
			want(t, fmt.Sprint(len(mixed), len(plain)), dst, func(k int) uint64 {
				var sum, term big.Int
				for i, p := range append(append(slices.Clone(mixed), mixed...), plain...) {
					_ = i
					term.SetUint64(x[p[0]+k])
					sum.Add(&sum, term.Mul(&term, new(big.Int).SetUint64(y[p[1]+k])))
				}
				sum.Mul(&sum, term.SetUint64(w))
				return sum.Mod(&sum, term.SetUint64(m.Q)).Uint64()
			})
		}
	})
}

func TestSignedCountIsItsDefinition(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	r := seeded(9)
	for _, level := range levels {
		for _, size := range []int{0, 1, 19} {
			table := edges(r, size, 1<<63)
			src := edges(r, 200, 1<<63)
			for i := range src {
				if size > 0 && i%3 == 0 { // at a threshold, and beside it
					src[i] = table[r.IntN(size)]<<1 + uint64(r.IntN(5)) - 2
				}
			}
			for _, n := range []int{200, 197, 3} {
				dst := make([]int64, n)
				SignedCount(level, dst, src[:n], table)
				for i, x := range src[:n] {
					var want int64
					for _, t := range table {
						if x>>1 >= t {
							want++
						}
					}
					if x&1 == 1 {
						want = -want
					}
					if dst[i] != want {
						t.Fatalf("%v, %d thresholds, word %x: want %d, got %d", level, size, x, want, dst[i])
					}
				}
			}
		}
	}
}

// BenchmarkVectors measures nanoseconds a word, the best of many.
func BenchmarkVectors(b *testing.B) {
	levels := cputest.Levels(b, cpu.IFMA)
	const n = 1 << 13
	portable := map[string]float64{}
	for _, level := range levels {
		m := NewAt(level, 140737487306753)
		r := seeded(10)
		x, y, dst, e := edges(r, n, m.Q), edges(r, n, m.Q), make([]uint64, n), make([]int64, n)
		dst2 := make([]uint64, n)
		f, fixed, table := m.Factor(x[0]+5), m.Fixed(y), edges(r, 19, 1<<63)
		pairs := NewPairs([][2]int{{0, 64}, {0, 128}}, [][2]int{{0, 0}, {64, 64}, {128, 128}})
		one, weighing, share := NewPairs(nil, [][2]int{{0, 0}}), m.Weighing(x[:4]), []float64{1e-15, 2e-15, 3e-15, 4e-15}
		four, terms := [][]uint64{x, y, x, y}, []Term{{x, y, x}, {y, x, y}, {x, x, x}, {y, y, y}}
		permutation := automorphism(b, n, 5)
		for _, c := range []struct {
			name string
			run  func()
		}{
			{"reduce", func() { m.Reduce(dst, x, 1) }},
			{"scale", func() { m.Scale(dst, x, f) }},
			{"mulAdd", func() { m.MulAdd(dst, x, fixed, y) }},
			{"embed", func() { m.Embed(dst, x, e, f) }},
			{"dot", func() { m.Dot(dst[:n-128], x, x, pairs, f) }},
			{"dot of one", func() { m.Dot(dst, x, y, one, f) }},
			{"inner of 4", func() { m.Inner(dst, dst2, terms, 0) }},
			{"combine 4", func() { m.Combine(dst, four, 0, weighing, true) }},
			{"nearest of 4", func() { nearestAt(level, dst, four, 0, share, 0, 0.5) }},
			{"center", func() { m.Center(dst, x, m.Q) }},
			{"scatter", func() { permutation.Scatter(m, dst, x, 0, false) }},
			{"scatter and add", func() { permutation.Scatter(m, dst2, x, 0, true) }},
			{"signedCount", func() { SignedCount(level, e, x, table) }},
		} {
			b.Run(fmt.Sprintf("%s/%v", c.name, level), func(b *testing.B) {
				t := float64(best(b, c.run).Nanoseconds()) / n
				b.ReportMetric(t, "ns/word")
				if level == cpu.Portable {
					portable[c.name] = t
				} else {
					b.ReportMetric(portable[c.name]/t, "x-portable")
				}
			})
		}
	}
}

// automorphism is the permutation of X -> X^g.
func automorphism(t testing.TB, n int, g uint64) *Permutation {
	t.Helper()
	shift := 65 - bits.Len(uint(n))
	from := make([]uint64, n)
	for i := range from {
		e := g * (2*(bits.Reverse64(uint64(i))>>shift) + 1) % uint64(2*n)
		from[i] = bits.Reverse64((e-1)/2) >> shift
	}
	p, err := NewPermutation(from)
	if err != nil {
		t.Fatalf("X^%d of degree %d: %v", g, n, err)
	}
	return p
}
