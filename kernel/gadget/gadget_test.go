package gadget

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

func TestMain(m *testing.M) { cputest.Main(m) }

// Primes below 2^27, 2^50 (two) and 2^58, 1 modulo 2^12.
var primes = []uint64{134176769, 1125899906826241, 1125899906629633, 288230376151130113}

// edge is a residue below limit, more often than not an extreme one.
func edge(rng *rand.Rand, limit uint64) uint64 {
	switch rng.IntN(6) {
	case 0:
		return 0
	case 1:
		return limit - 1
	case 2:
		return limit/2 + rng.Uint64N(3) - 1
	}
	return rng.Uint64N(limit)
}

func words(n int, f func() uint64) []uint64 {
	v := make([]uint64, n)
	for i := range v {
		v[i] = f()
	}
	return v
}

func TestSplit(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, q := range primes {
		for _, c := range [][2]int{{1, 24}, {2, 13}, {3, 9}, {4, 5}, {5, 5}, {6, 4}} {
			digits, base := c[0], c[1]
			drop := bits.Len64(q) - digits*base
			for _, n := range []int{0, 1, 8, 24, 67} {
				a, b := words(n, func() uint64 { return edge(rng, q) }), words(n, func() uint64 { return edge(rng, q) })
				for _, negate := range []bool{false, true} {
					var first [][]uint64
					for _, level := range levels {
						g := NewAt(level, q, drop, base, digits)
						dst := make([][]uint64, digits)
						for j := range dst {
							dst[j] = make([]uint64, n)
						}
						g.Split(dst, a, b, negate)
						if first == nil {
							first = dst
							checkDigits(t, g, dst, a, b, negate)
						}
						for j := range dst {
							if !slices.Equal(dst[j], first[j]) {
								t.Fatalf("q %d, %d digits of %d bits, %d words, negate %v: %v differs from portable in digit %d", q, digits, base, n, negate, level, j)
							}
						}
					}
				}
			}
		}
	}
}

// checkDigits holds digits against what Split promises.
func checkDigits(t *testing.T, g *Gadget, dst [][]uint64, a, b []uint64, negate bool) {
	t.Helper()
	centre := func(x uint64) int64 {
		if x > g.Q/2 {
			return int64(x) - int64(g.Q)
		}
		return int64(x)
	}
	for i := range a {
		want := (a[i] + g.Q - b[i]) % g.Q
		if negate {
			want = (2*g.Q - a[i] - b[i]) % g.Q
		}
		sum := int64(0)
		for j, d := range dst {
			x, half := centre(d[i]), int64(1)<<(g.Base-1)
			if d[i] >= g.Q || x < -half || x > half || x == half && j+1 < len(dst) {
				t.Fatalf("q %d: digit %d of %d is %d", g.Q, j, want, x)
			}
			sum += x << (g.Drop + j*g.Base)
		}
		off := (sum - centre(want)) % int64(g.Q)
		off = centre(uint64(off+int64(g.Q)) % g.Q)
		if limit := int64(1) << g.Drop / 2; off > limit || off < -limit {
			t.Fatalf("q %d: digits of %d are off by %d", g.Q, want, off)
		}
	}
}

func TestInner(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	rng := rand.New(rand.NewPCG(2, 2))
	for _, q := range primes {
		for rows := 1; rows <= 2*MaxLevels; rows++ {
			for _, n := range []int{0, 1, 8, 40, 67} {
				d, k := make([][]uint64, rows), make([][]uint64, rows)
				for r := range d {
					d[r], k[r] = words(n, func() uint64 { return edge(rng, q) }), words(n, func() uint64 { return edge(rng, q) })
					if n == 8 { // the largest sum
						d[r], k[r] = words(n, func() uint64 { return q - 1 }), words(n, func() uint64 { return q - 1 })
					}
				}
				for _, level := range levels {
					g := NewAt(level, q, 1, 10, 1)
					got := make([]uint64, n)
					g.Inner(got, d, k)
					for i, x := range got {
						want := uint64(0)
						for r := range d {
							want = (want + mulMod(d[r][i]%q, k[r][i], q)) % q
						}
						// got is want / 2^64.
						if x >= q || mulMod(x, -(q*(^uint64(0)/q)), q) != want {
							t.Fatalf("%v, q %d, %d rows, %d words: word %d is %d", level, q, rows, n, i, x)
						}
					}
				}
			}
		}
	}
}

func mulMod(a, b, q uint64) uint64 {
	h, l := bits.Mul64(a, b%q)
	return bits.Rem64(h, l, q)
}

func TestAdd(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	rng := rand.New(rand.NewPCG(3, 3))
	for _, q := range primes {
		for _, n := range []int{0, 1, 8, 40, 67} {
			a, b := words(n, func() uint64 { return edge(rng, q) }), words(n, func() uint64 { return edge(rng, q) })
			for _, level := range levels {
				got := slices.Clone(a)
				NewAt(level, q, 0, 1, 1).Add(got, b)
				for i, x := range got {
					if x != (a[i]+b[i])%q {
						t.Fatalf("%v, q %d, %d words: %d + %d = %d", level, q, n, a[i], b[i], x)
					}
				}
			}
		}
	}
}

func TestAddMul(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	rng := rand.New(rand.NewPCG(4, 4))
	for n := range 100 {
		dst, src := make([]uint32, n), make([]uint32, n+3)
		for i := range src {
			src[i] = rng.Uint32()
		}
		for i := range dst {
			dst[i] = rng.Uint32()
		}
		w := rng.Uint32()
		for _, level := range levels {
			got := slices.Clone(dst)
			AddMulAt(level, got, src, w)
			for i, x := range got {
				if x != dst[i]+w*src[i] {
					t.Fatalf("%v, %d words: word %d is %d", level, n, i, x)
				}
			}
		}
	}
}

func TestMisuse(t *testing.T) {
	g := New(primes[1], 10, 20, 2)
	for name, f := range map[string]func(){
		"even modulus": func() { New(1<<20, 0, 10, 2) },
		"long modulus": func() { New(1<<58+1, 0, 10, 2) },
		"seven digits": func() { New(primes[1], 0, 7, 7) },
		"short digits": func() {
			g.Split([][]uint64{make([]uint64, 8), make([]uint64, 7)}, make([]uint64, 8), make([]uint64, 8), false)
		},
		"missing digit": func() { g.Split([][]uint64{make([]uint64, 8)}, make([]uint64, 8), make([]uint64, 8), false) },
		"short key":     func() { g.Inner(make([]uint64, 8), [][]uint64{make([]uint64, 8)}, [][]uint64{make([]uint64, 7)}) },
		"thirteen rows": func() { g.Inner(nil, make([][]uint64, 13), make([][]uint64, 13)) },
		"short sum":     func() { g.Add(make([]uint64, 8), make([]uint64, 7)) },
		"short source":  func() { AddMul(make([]uint32, 8), make([]uint32, 7), 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// Benchmarks on 2048 words, by level.
func BenchmarkKernels(b *testing.B) {
	levels := cputest.Levels(b, cpu.IFMA)
	const n = 2048
	q := primes[1]
	rng := rand.New(rand.NewPCG(5, 5))
	random := func() []uint64 { return words(n, func() uint64 { return rng.Uint64N(q) }) }
	d, k := [][]uint64{random(), random(), random(), random()}, [][]uint64{random(), random(), random(), random()}
	x, y, out := random(), random(), random()
	u, v := make([]uint32, n), make([]uint32, n)
	for _, level := range levels {
		g := NewAt(level, q, 18, 16, 2)
		for name, f := range map[string]func(){
			"split":  func() { g.Split(d[:2], x, y, true) },
			"inner":  func() { g.Inner(out, d, k) },
			"add":    func() { g.Add(out, x) },
			"addmul": func() { AddMulAt(level, u, v, 3) },
		} {
			b.Run(fmt.Sprintf("%s/%v", name, level), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/word")
			})
		}
	}
}
