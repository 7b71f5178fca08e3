package bgv

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// naiveRow is the twin of modulus.row: one reduced product after the other.
func naiveRow(m *modulus, acc, tile []uint64, in, w []int32) {
	clear(acc)
	for i := range in {
		x := tile[int(in[i])*len(acc):][:len(acc)]
		v := residue(int64(w[i]), m.q)
		for k := range acc {
			acc[k] = ring.CRed(acc[k]+ring.BRed(x[k], v, m.q, m.barret), m.q)
		}
	}
}

// naiveProduct multiplies polynomials in s by definition.
func naiveProduct(q uint64, x, y []uint64) []uint64 {
	out := make([]uint64, len(x)+len(y)-block)
	modulus := new(big.Int).SetUint64(q)
	for i := range len(x) / block {
		for k := range len(y) / block {
			for j := range block {
				a, b := new(big.Int).SetUint64(x[i*block+j]), new(big.Int).SetUint64(y[k*block+j])
				at := &out[(i+k)*block+j]
				a.Mul(a, b).Add(a, new(big.Int).SetUint64(*at)).Mod(a, modulus)
				*at = a.Uint64()
			}
		}
	}
	return out
}

// testModuli are primes from the shortest to the longest that are in use.
var testModuli = []uint64{786433, 1152921504606584833, 70368743669761, 576460752303415297, 0x1fffffffffe00001}

// edge leans to 0, 1 and q-1.
func edge(r *rand.Rand, q uint64) uint64 {
	switch r.IntN(4) {
	case 0:
		return q - 1
	case 1:
		return r.Uint64N(2)
	}
	return r.Uint64N(q)
}

func TestRowIsItsTwin(t *testing.T) {
	r := seeded(5)
	for _, q := range testModuli {
		m := newModulus(q)
		for _, largest := range []int{1, 7, 127, 1 << 15, math.MaxInt32} {
			for _, taps := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 25, 100, 900} {
				width := block * (1 + r.IntN(3))
				tile := make([]uint64, 40*width)
				for i := range tile {
					tile[i] = edge(r, q)
				}
				in, w := make([]int32, taps), make([]int32, taps)
				for i := range in {
					in[i], w[i] = int32(r.IntN(40)), int32(r.IntN(2*largest+1)-largest)
					if r.IntN(3) == 0 {
						w[i] = []int32{int32(largest), int32(-largest), math.MinInt32}[r.IntN(3)]
					}
				}
				got, want := make([]uint64, width), make([]uint64, width)
				m.row(got, tile, in, w)
				naiveRow(&m, want, tile, in, w)
				for k := range want {
					if got[k] != want[k] {
						t.Fatalf("q %d, weights up to %d, %d taps, word %d: want %d, got %d", q, largest, taps, k, want[k], got[k])
					}
				}
			}
		}
	}
}

// TestRowAtItsBudget takes the largest sum that is still lazy, and one more.
func TestRowAtItsBudget(t *testing.T) {
	q := testModuli[4]
	m := newModulus(q)
	if m.budget != 7 {
		t.Fatalf("budget %d, want floor(2^64/q)-1 = 7", m.budget)
	}
	tile := make([]uint64, 2*block)
	for i := range tile {
		tile[i] = q - 1
	}
	for _, w := range [][]int32{{7, 0}, {-7, 0}, {4, 3}, {-4, 3}, {-4, -3}, {4, 4}, {-4, -4}, {8, -8}} {
		got, want := make([]uint64, block), make([]uint64, block)
		m.row(got, tile, []int32{0, 1}, w)
		naiveRow(&m, want, tile, []int32{0, 1}, w)
		if got[0] != want[0] {
			t.Errorf("weights %v: want %d, got %d", w, want[0], got[0])
		}
	}
}

func TestProductsAreTheirTwins(t *testing.T) {
	r := seeded(6)
	for _, q := range testModuli {
		m := newModulus(q)
		for degree := range 5 {
			x := make([]uint64, (degree+1)*block)
			for i := range x {
				x[i] = edge(r, q)
			}
			factor := r.Uint64N(q)
			y, plain := make([]uint64, len(x)), make([]uint64, len(x))
			m.mulScalar(y, x, m.montgomery(m.montgomery(factor)))
			for i := range x {
				plain[i] = m.mul(x[i], factor)
			}
			want := naiveProduct(q, x, plain)
			got := make([]uint64, len(want))
			m.square(got, x, y)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("q %d: square of degree %d differs", q, degree)
			}
			m.product(got, x, y)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("q %d: product of degree %d differs", q, degree)
			}
		}
	}
}

func TestRowDoesNotAllocate(t *testing.T) {
	m := newModulus(testModuli[2])
	tile, acc := make([]uint64, 30*block), make([]uint64, block)
	in, w := make([]int32, 25), make([]int32, 25)
	if n := testing.AllocsPerRun(10, func() { m.row(acc, tile, in, w) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkRow measures multiply-accumulates a second at the sizes of LeNet-1's
// convolutions and of a dense layer, beside the naive twin.
func BenchmarkRow(b *testing.B) {
	r := seeded(7)
	m := newModulus(testModuli[2])
	for _, c := range []struct{ taps, degree int }{{25, 1}, {100, 2}, {784, 1}} {
		width := (c.degree + 1) * block
		tile, acc := make([]uint64, 784*width), make([]uint64, width)
		for i := range tile {
			tile[i] = r.Uint64N(m.q)
		}
		in, w := make([]int32, c.taps), make([]int32, c.taps)
		for i := range in {
			in[i], w[i] = int32(r.IntN(784)), int32(r.IntN(15)-7)
		}
		b.Run(fmt.Sprintf("taps=%d/degree=%d", c.taps, c.degree), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.row(acc, tile, in, w)
			}
			fast := b.Elapsed().Seconds() / float64(b.N)
			start, rounds := time.Now(), min(b.N, 1000)
			for range rounds {
				naiveRow(&m, acc, tile, in, w)
			}
			naive := time.Since(start).Seconds() / float64(rounds)
			b.ReportMetric(float64(c.taps*width)/fast/1e9, "GMAC/s")
			b.ReportMetric(naive/fast, "x-naive")
		})
	}
}
