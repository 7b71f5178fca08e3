package mod

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
	"qtool/kernel/peak"
)

// naiveRows is Apply by its definition.
func naiveRows(m *Modulus, rows [][]int32, x []uint64, offsets []int64, constants []uint64, n int) []uint64 {
	var all []uint64
	for r, row := range rows {
		for k := range n {
			var sum uint64
			if constants != nil {
				sum = constants[r]
			}
			for i, w := range row {
				sum = (sum + m.Mul(x[int(offsets[i])+k], m.Residue(int64(w)))) % m.Q
			}
			all = append(all, sum)
		}
	}
	return all
}

func randomRows(r *rand.Rand, rows, taps, largest int) [][]int32 {
	all := make([][]int32, rows)
	for i := range all {
		all[i] = make([]int32, taps)
		for k := range all[i] {
			switch r.IntN(4) {
			case 0:
				all[i][k] = []int32{0, int32(largest), int32(-largest)}[r.IntN(3)]
			default:
				all[i][k] = int32(r.IntN(2*largest+1) - largest)
			}
		}
	}
	return all
}

func checkRows(t *testing.T, r *rand.Rand, level cpu.Level, q uint64, rows [][]int32, n int, constants bool) {
	t.Helper()
	m := NewAt(level, q)
	taps := 0
	if len(rows) > 0 {
		taps = len(rows[0])
	}
	x := edges(r, 20*64+n, q)
	offsets := make([]int64, taps)
	for i := range offsets {
		offsets[i] = int64(r.IntN(len(x) - n + 1))
	}
	var c []uint64
	if constants {
		c = edges(r, len(rows), q)
	}
	stride := n + r.IntN(3)*64
	got := make([]uint64, len(rows)*stride)
	m.Weights(rows).Apply(got, stride, x, offsets, c, n)
	want := naiveRows(m, rows, x, offsets, c, n)
	for i := range rows {
		if !slices.Equal(got[i*stride:][:n], want[i*n:][:n]) {
			t.Fatalf("%v, q %d, %d rows of %d taps, %d words: row %d differs", level, q, len(rows), taps, n, i)
		}
	}
}

func TestRowsAreTheirTwins(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	numbers, lengths := []int{1, 2, 3, 4, 8, 12, 15}, []int{0, 1, 2, 9, 25, 130}
	if testing.Short() { // 15 rows are blocks of every size
		numbers, lengths = []int{1, 15}, []int{0, 1, 9, 25}
	}
	r := seeded(4)
	for _, level := range levels {
		for _, q := range testPrimes {
			for _, largest := range []int{1, 7, 127, 1 << 15, math.MaxInt32} {
				for _, rows := range numbers {
					for _, taps := range lengths {
						checkRows(t, r, level, q, randomRows(r, rows, taps, largest), 64*(1+r.IntN(3)), r.IntN(2) == 0)
					}
				}
			}
		}
	}
}

// TestRowsAtTheirBudget takes the largest sums that are still exact, and one
// more, of words that are all q-1.
func TestRowsAtTheirBudget(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	for _, level := range levels {
		for _, q := range testPrimes[1:] {
			m := NewAt(level, q)
			x := make([]uint64, 64)
			for i := range x {
				x[i] = q - 1
			}
			budget := m.barrett - 1
			if budget > math.MaxInt32 {
				budget = math.MaxInt32
			}
			short := (uint64(1)<<52 - 1) / q
			for _, w := range []int64{int64(budget), int64(budget) + 1, int64(short), int64(short) + 1, int64(short) / 2} {
				if w > math.MaxInt32 || w == 0 {
					continue
				}
				for _, row := range [][]int32{{int32(w)}, {-int32(w)}, {int32(w), -int32(w)}, {int32(w), int32(w)}, {int32(w) - 1, 1}, {1 - int32(w), -1}, {1 - int32(w), -2}} {
					got, c := make([]uint64, 64), []uint64{q - 1}
					m.Weights([][]int32{row}).Apply(got, 64, x, make([]int64, len(row)), c, 64)
					if want := naiveRows(m, [][]int32{row}, x, make([]int64, len(row)), c, 64); !slices.Equal(got, want) {
						t.Errorf("%v, q %d, weights %v: want %d, got %d", level, q, row, want[0], got[0])
					}
				}
			}
		}
	}
}

func FuzzRows(f *testing.F) {
	levels := cputest.Levels(f, cpu.IFMA)
	f.Add(uint64(1), uint8(3), uint8(9), int32(7))
	f.Fuzz(func(t *testing.T, seed uint64, rows, taps uint8, largest int32) {
		r := seeded(seed)
		largest = max(1, largest)
		for _, level := range levels {
			q := testPrimes[r.IntN(len(testPrimes))]
			checkRows(t, r, level, q, randomRows(r, 1+int(rows)%20, int(taps), int(largest)), 64, true)
		}
	})
}

func TestRowsDoNotAllocate(t *testing.T) {
	levels := cputest.Levels(t, cpu.IFMA)
	for _, level := range levels {
		m := NewAt(level, testPrimes[2])
		w := m.Weights(randomRows(seeded(5), 12, 25, 7))
		x, dst, offsets, c := make([]uint64, 64), make([]uint64, 12*64), make([]int64, 25), make([]uint64, 12)
		if n := testing.AllocsPerRun(10, func() { w.Apply(dst, 64, x, offsets, c, 64) }); n != 0 {
			t.Errorf("%v: %v allocations", level, n)
		}
	}
}

// best runs f over and over and returns the shortest time, which other work on
// the machine disturbs least.
func best(b *testing.B, f func()) time.Duration {
	least := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return least
}

// BenchmarkRows measures multiply-accumulates a second at the sizes of LeNet-1's
// convolutions and of a dense layer, as a share of what the registers could do,
// and beside the portable twin. Times are the best of many.
func BenchmarkRows(b *testing.B) {
	levels := cputest.Levels(b, cpu.IFMA)
	r := seeded(6)
	for _, c := range []struct{ rows, taps, words, inputs int }{{4, 25, 128, 784}, {12, 100, 192, 576}, {128, 784, 128, 784}} {
		var portable float64
		for _, level := range levels {
			b.Run(fmt.Sprintf("%dx%d/%v", c.rows, c.taps, level), func(b *testing.B) {
				m := NewAt(level, 140737487306753)
				w := m.Weights(randomRows(r, c.rows, c.taps, 7))
				x, dst := edges(r, c.inputs*c.words, m.Q), make([]uint64, c.rows*c.words)
				offsets := make([]int64, c.taps)
				for i := range offsets {
					offsets[i] = int64(i * c.inputs / c.taps * c.words)
				}
				t := best(b, func() { w.Apply(dst, c.words, x, offsets, nil, c.words) })
				macs := float64(c.rows*c.taps*c.words) / t.Seconds()
				b.ReportMetric(macs/1e9, "GMAC/s")
				if level == cpu.Portable {
					portable = macs
					return
				}
				b.ReportMetric(macs/portable, "x-portable")
				b.ReportMetric(100*macs/peak.MACs(level), "%peak")
			})
		}
	}
}
