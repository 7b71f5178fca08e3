package mod

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

// testPrimes are 1 modulo 2^17, from the shortest to the longest in use, with
// those beside the limits of the kernels.
var testPrimes = []uint64{786433, 34359214081, 8796090007553, 281474976317441, 1125899903827969, 2251799813554177, 2305843009211596801}

// rootOfUnity is a primitive root of order 2n.
func rootOfUnity(m *Modulus, n int) uint64 {
	for g := uint64(2); ; g++ {
		if psi := m.Power(g, (m.Q-1)/uint64(2*n)); m.Power(psi, uint64(n)) == m.Q-1 {
			return psi
		}
	}
}

// edge leans to 0, 1 and bound-1.
func edge(r *rand.Rand, bound uint64) uint64 {
	switch r.IntN(4) {
	case 0:
		return bound - 1
	case 1:
		return r.Uint64N(2)
	}
	return r.Uint64N(bound)
}

func edges(r *rand.Rand, n int, bound uint64) []uint64 {
	x := make([]uint64, n)
	if r.IntN(4) == 0 { // all the same
		v := edge(r, bound)
		for i := range x {
			x[i] = v
		}
		return x
	}
	for i := range x {
		x[i] = edge(r, bound)
	}
	return x
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func transform(t testing.TB, level cpu.Level, q uint64, n int) *Transform {
	t.Helper()
	m := NewAt(level, q)
	x, err := NewTransform(m, n, rootOfUnity(m, n))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestTransformIsItsDefinition evaluates the polynomial at every root.
func TestTransformIsItsDefinition(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	r := seeded(1)
	for _, level := range levels {
		for _, q := range testPrimes {
			for _, n := range []int{16, 64, 256, 512} {
				f := transform(t, level, q, n)
				x := edges(r, n, q)
				y := slices.Clone(x)
				f.Forward(y)
				for i := range y {
					e := 2*(bits.Reverse64(uint64(i))>>(65-bits.Len(uint(n)))) + 1
					at, want := f.m.Power(f.psi, e), uint64(0)
					for _, c := range slices.Backward(x) {
						want = (f.m.Mul(want, at) + c) % q
					}
					if y[i] != want {
						t.Fatalf("%v, q %d, n %d, value %d: want %d, got %d", level, q, n, i, want, y[i])
					}
				}
				f.Inverse(y)
				if !slices.Equal(x, y) {
					t.Fatalf("%v, q %d, n %d: the inverse does not undo it", level, q, n)
				}
			}
		}
	}
}

func TestTransformsAreTheirTwins(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	longest := 16
	if testing.Short() {
		longest = 13
	}
	r := seeded(2)
	for _, level := range levels[1:] {
		for _, q := range testPrimes {
			for logN := 4; logN <= longest; logN++ {
				n := 1 << logN
				fast, twin := transform(t, level, q, n), transform(t, cpu.Portable, q, n)
				for _, f := range []struct {
					name  string
					bound uint64
					run   func(*Transform, []uint64)
				}{{"forward", 4 * q, (*Transform).Forward}, {"inverse", 2 * q, (*Transform).Inverse}} {
					for range 3 {
						want := edges(r, n, f.bound)
						got := slices.Clone(want)
						f.run(twin, want)
						f.run(fast, got)
						if !slices.Equal(got, want) {
							t.Fatalf("%v, q %d, n %d: %s differs from its twin", level, q, n, f.name)
						}
						if slices.Max(got) >= q {
							t.Fatalf("%v, q %d, n %d: %s is not reduced", level, q, n, f.name)
						}
					}
				}
			}
		}
	}
}

func TestTransformIsChecked(t *testing.T) {
	m := New(testPrimes[0])
	for _, c := range []struct {
		n   int
		psi uint64
	}{{8, 3}, {24, 3}, {1 << 21, 3}, {1024, 0}, {1024, 1}, {1024, m.Q - 1}, {1024, m.Q + 3}} {
		if _, err := NewTransform(m, c.n, c.psi); err == nil {
			t.Errorf("length %d with root %d is accepted", c.n, c.psi)
		}
	}
}

// BenchmarkTransform measures microseconds, the best of many.
func BenchmarkTransform(b *testing.B) {
	levels := cputest.Levels(b, cpu.IFMA)
	for _, logN := range []int{12, 13, 14, 15} {
		for _, d := range []struct {
			name string
			run  func(*Transform, []uint64)
		}{{"forward", (*Transform).Forward}, {"inverse", (*Transform).Inverse}} {
			var portable float64
			for _, level := range levels {
				b.Run(fmt.Sprintf("%s/logN=%d/%v", d.name, logN, level), func(b *testing.B) {
					f := transform(b, level, testPrimes[3], 1<<logN)
					x := edges(seeded(3), f.n, f.m.Q)
					t := float64(best(b, func() { d.run(f, x) }).Nanoseconds()) / 1e3
					b.ReportMetric(t, "us")
					if level == cpu.Portable {
						portable = t
					} else {
						b.ReportMetric(portable/t, "x-portable")
					}
				})
			}
		}
	}
}
