package primes

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
	"pgregory.net/rapid"
)

// Below and Near agree with Lattigo's generators, and nothing is handed out twice.
func TestPrimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logN := rapid.IntRange(3, 15).Draw(t, "log N")
		bits := rapid.IntRange(logN+3, 61).Draw(t, "bits")
		s, down, both := New(logN), ring.NewNTTFriendlyPrimesGenerator(uint64(bits), 2<<logN), ring.NewNTTFriendlyPrimesGenerator(uint64(bits), 2<<logN)
		var all []uint64
		for range rapid.IntRange(1, 6).Draw(t, "below") {
			got, err := s.Below(bits)
			want, wantErr := down.NextDownstreamPrime()
			if (err == nil) != (wantErr == nil) || err == nil && got != want {
				t.Fatalf("%d, %v; want %d, %v", got, err, want, wantErr)
			}
			if err != nil {
				if !strings.Contains(err.Error(), "no prime of") {
					t.Fatal(err)
				}
				break
			}
			all = append(all, got)
		}
		clone := s.Clone()
		for range 3 {
			got, err := s.Near(bits)
			want, wantErr := both.NextAlternatingPrime()
			for wantErr == nil && slices.Contains(all, want) {
				want, wantErr = both.NextAlternatingPrime()
			}
			if (err == nil) != (wantErr == nil) || err == nil && got != want {
				t.Fatalf("near: %d, %v; want %d, %v", got, err, want, wantErr)
			}
			if err != nil {
				break
			}
			all = append(all, got)
			if again, err := clone.Near(bits); err != nil || again != got {
				t.Fatalf("a clone gives %d, %v; want %d", again, err, got)
			}
		}
		for i, q := range all {
			if q%(2<<logN) != 1 || !ring.IsPrime(q) || math.Abs(math.Log2(float64(q))-float64(bits)) > 0.5 || slices.Contains(all[:i], q) {
				t.Fatalf("%d bits, log N %d: %v", bits, logN, all)
			}
		}
	})
}

// Short primes are too few; Wider goes on with longer ones.
func TestWider(t *testing.T) {
	s := New(10)
	all, err := s.Wider(6, 13, 20)
	if err != nil || len(all) != 6 {
		t.Fatal(all, err)
	}
	if long := slices.Max(all); long>>13 == 0 {
		t.Errorf("%v: there are not six of 13 bits", all)
	}
	if all, err := New(10).Several(6, 13); all != nil || err == nil {
		t.Errorf("six primes of 13 bits: %v", all)
	}
	if all, err := New(10).Wider(6, 13, 13); all != nil || err == nil {
		t.Errorf("six primes of 13 bits: %v", all)
	}
	if q, err := New(10, all...).Below(20); err != nil || slices.Contains(all, q) {
		t.Errorf("%d was taken, %v", q, err)
	}
}
