package sample

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// chiSquare is the statistic of counts against probabilities; with many degrees
// of freedom f it is nearly normal with mean f and variance 2f.
func chiSquare(counts []int, probability func(i int) float64) (x, freedom float64) {
	n := 0
	for _, c := range counts {
		n += c
	}
	for i, c := range counts {
		want := probability(i) * float64(n)
		x += (float64(c) - want) * (float64(c) - want) / want
	}
	return x, float64(len(counts) - 1)
}

func plausible(t *testing.T, name string, x, freedom float64) {
	t.Helper()
	if z := (x - freedom) / math.Sqrt(2*freedom); math.Abs(z) > 6 {
		t.Errorf("%s: chi square %.1f for %.0f degrees of freedom", name, x, freedom)
	}
}

// TestStreamIsAESInCounterMode recomputes two refills block by block.
func TestStreamIsAESInCounterMode(t *testing.T) {
	seed := Seed{1, 2, 3, 31: 9}
	s := NewStream(seed)
	perRefill := (len(s.buffer) - SeedSize) / 8
	got := make([]uint64, 2*perRefill)
	s.Words(got[:5])
	s.Words(got[5:])
	key := seed
	for refill := range 2 {
		block, err := aes.NewCipher(key[:])
		if err != nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		for i := range len(s.buffer) / aes.BlockSize {
			in, out := make([]byte, aes.BlockSize), make([]byte, aes.BlockSize)
			binary.BigEndian.PutUint64(in[8:], uint64(i))
			block.Encrypt(out, in)
			all.Write(out)
		}
		copy(key[:], all.Next(SeedSize))
		for i, w := range got[refill*perRefill:][:perRefill] {
			if want := binary.LittleEndian.Uint64(all.Next(8)); w != want {
				t.Fatalf("refill %d, word %d: want %x, got %x", refill, i, want, w)
			}
		}
	}
	s.Reset(seed)
	again := make([]uint64, len(got))
	s.Words(again)
	if !slices.Equal(got, again) {
		t.Error("a stream that is reset differs")
	}
}

func TestSeedsDiffer(t *testing.T) {
	a, b := NewSeed(), NewSeed()
	s := NewStream(a)
	if all := []Seed{a, b, s.Seed(), s.Seed(), {}}; all[0] == all[1] || all[2] == all[3] || all[0] == all[2] || slices.Contains(all[:4], Seed{}) {
		t.Error("seeds repeat")
	}
}

func TestUniformIsUniform(t *testing.T) {
	s := NewStream(Seed{7})
	const n, cells = 1 << 20, 256
	for _, q := range []uint64{3, 5, 257, 786433, 140737487306753, 2305843009211596801, 1<<63 + 29} {
		x := make([]uint64, n)
		s.Uniform(x, q)
		if slices.Max(x) >= q {
			t.Fatalf("q %d: %d is not reduced", q, slices.Max(x))
		}
		for name, cell := range map[string]func(uint64) uint64{
			"upper": func(v uint64) uint64 { return uint64(float64(v) / float64(q) * cells) },
			"lower": func(v uint64) uint64 { return v % cells },
		} {
			if q < 1<<16 {
				counts := make([]int, q)
				for _, v := range x {
					counts[v]++
				}
				chi, f := chiSquare(counts, func(int) float64 { return 1 / float64(q) })
				plausible(t, name, chi, f)
				continue
			}
			counts := make([]int, cells)
			for _, v := range x {
				counts[min(cell(v), cells-1)]++
			}
			chi, f := chiSquare(counts, func(int) float64 { return 1. / cells })
			plausible(t, name, chi, f)
		}
	}
}

// probability of an error, from the library's error function.
func probability(x int) float64 {
	phi := func(v float64) float64 { return math.Erf(min(v, Bound) / (Sigma * math.Sqrt2)) }
	k := math.Abs(float64(x))
	if x == 0 {
		return phi(0.5) / phi(Bound)
	}
	return (phi(k+0.5) - phi(k-0.5)) / 2 / phi(Bound)
}

func TestThresholdsAreTheDistribution(t *testing.T) {
	table := thresholds()
	for k, v := range table {
		want := 0.
		for x := -k; x <= k; x++ {
			want += probability(x)
		}
		if got := float64(v) / math.Exp2(63); math.Abs(got-want) > 1e-14 {
			t.Errorf("magnitude at most %d: want %v, got %v", k, want, got)
		}
	}
	if len(table) != 19 || !slices.IsSorted(table) || table[18] >= 1<<63 {
		t.Errorf("thresholds %v", table)
	}
}

func TestGaussianIsGaussian(t *testing.T) {
	const n = 1 << 22
	x, scratch := make([]int64, n), make([]uint64, n)
	NewStream(Seed{8}).Gaussian(cpu.Active, x, scratch)
	const inner = 13 // magnitudes past this are counted together
	counts := make([]int, 2*inner+3)
	var sum, square, neighbours float64
	for i, v := range x {
		if v < -largest || v > largest {
			t.Fatalf("error %d", v)
		}
		counts[max(-inner-1, min(v, inner+1))+inner+1]++
		sum += float64(v)
		square += float64(v * v)
		neighbours += float64(v * x[(i+1)%n])
	}
	tail := 0.
	for k := inner + 1; k <= largest; k++ {
		tail += probability(k)
	}
	chi, f := chiSquare(counts, func(i int) float64 {
		if i == 0 || i == len(counts)-1 {
			return tail
		}
		return probability(i - inner - 1)
	})
	plausible(t, "errors", chi, f)
	variance := Sigma*Sigma + 1./12 // of rounding
	if mean := sum / n; math.Abs(mean) > 6*Sigma/math.Sqrt(n) {
		t.Errorf("mean %v", mean)
	}
	if got := square / n; math.Abs(got-variance) > 6*variance*math.Sqrt(2./n) {
		t.Errorf("variance %v, want %v", got, variance)
	}
	if c := neighbours / n; math.Abs(c) > 6*variance/math.Sqrt(n) {
		t.Errorf("covariance of neighbours %v", c)
	}
}

func TestGaussianIsTheSameAtEveryLevel(t *testing.T) {
	want, scratch := make([]int64, 1001), make([]uint64, 1001)
	NewStream(Seed{9}).Gaussian(cpu.Portable, want, scratch)
	for _, level := range cputest.Levels(t, cpu.IFMA) {
		got := make([]int64, 1001)
		NewStream(Seed{9}).Gaussian(level, got, scratch)
		if !slices.Equal(got, want) {
			t.Errorf("%v differs", level)
		}
	}
}

func BenchmarkUniform(b *testing.B) {
	s, x := NewStream(Seed{1}), make([]uint64, 1<<13)
	for b.Loop() {
		s.Uniform(x, 140737487306753)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/word")
}

func BenchmarkGaussian(b *testing.B) {
	s, x, scratch := NewStream(Seed{1}), make([]int64, 1<<13), make([]uint64, 1<<13)
	for b.Loop() {
		s.Gaussian(cpu.Active, x, scratch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/error")
}
