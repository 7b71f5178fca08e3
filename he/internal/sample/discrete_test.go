package sample

import (
	"math"
	"testing"
)

// counted compares how often each of some outcomes came with a probability shared
// by all, by chi square, and pairs of neighbours with its square.
func counted[T int8 | uint8](t *testing.T, name string, x []T, least T, outcomes int) {
	t.Helper()
	single, pairs := make([]int, outcomes), make([]int, outcomes*outcomes)
	for i, v := range x {
		k := int(v) - int(least)
		if k < 0 || k >= outcomes {
			t.Fatalf("%s: %d", name, v)
		}
		single[k]++
		if i%2 == 1 {
			pairs[k*outcomes+int(x[i-1])-int(least)]++
		}
	}
	p := 1 / float64(outcomes)
	// One or eight degrees of freedom are too few for the normal limit of
	// plausible: each count is held to six deviations of a binomial instead.
	for _, c := range []struct {
		counts []int
		p      float64
	}{{single, p}, {pairs, p * p}} {
		n := 0
		for _, k := range c.counts {
			n += k
		}
		for i, k := range c.counts {
			if d := float64(k) - float64(n)*c.p; math.Abs(d) > 6*math.Sqrt(float64(n)*c.p*(1-c.p)) {
				t.Errorf("%s: outcome %d came %d times of %d", name, i, k, n)
			}
		}
	}
}

func TestTernaryIsUniform(t *testing.T) {
	x := make([]int8, 1<<20)
	NewStream(Seed{10}).Ternary(x)
	counted(t, "ternary", x, -1, 3)
}

func TestBinaryIsUniform(t *testing.T) {
	x := make([]uint8, 1<<20)
	NewStream(Seed{11}).Binary(x)
	counted(t, "binary", x, 0, 2)
}

// The bytes of words of 32 bits are uniform, each at its place, and the words are
// the halves of words of 64.
func TestWords32(t *testing.T) {
	x := make([]uint32, 1<<20)
	NewStream(Seed{12}).Words32(x)
	for shift := 0; shift < 32; shift += 8 {
		counts := make([]int, 256)
		for _, v := range x {
			counts[v>>shift&255]++
		}
		chi, f := chiSquare(counts, func(int) float64 { return 1. / 256 })
		plausible(t, "byte of 32", chi, f)
	}
	wide := make([]uint64, len(x)/2)
	NewStream(Seed{12}).Words(wide)
	for i, w := range wide {
		if got := uint64(x[2*i]) | uint64(x[2*i+1])<<32; got != w {
			t.Fatalf("word %d is %x, want %x", i, got, w)
		}
	}
	// An odd number takes whole words.
	s := NewStream(Seed{12})
	s.Words32(x[:3])
	if got := s.word(); got != wide[2] {
		t.Errorf("behind three halves comes %x, want %x", got, wide[2])
	}
}

// Short draws give what long ones give, so that no word is used twice or lost.
func TestDrawsContinue(t *testing.T) {
	long, s := make([]uint64, 5000), NewStream(Seed{13})
	NewStream(Seed{13}).Words(long)
	for at, n := 0, 1; at+n <= len(long); at, n = at+n, n%700+37 {
		short := make([]uint64, n)
		s.Words(short)
		for i, w := range short {
			if w != long[at+i] {
				t.Fatalf("word %d differs", at+i)
			}
		}
	}
}
