package sample

import (
	"fmt"
	"math/bits"
	"slices"
	"testing"
)

// Uniform is the words one after the other, of which the first fill dst and those behind
// them replace, from the first place on, what is not below q; the stream goes on behind
// the last word that was looked at.
func TestUniformTakesWordsInOrder(t *testing.T) {
	for _, q := range []uint64{1, 2, 3, 1<<36 + 147457, 1<<36 - 5, 1 << 40, 1<<49 + 1, 1<<63 + 29, 1<<64 - 59} {
		for _, n := range []int{0, 1, 7, uniformBlock - 1, uniformBlock, uniformBlock + 1, 8192} {
			t.Run(fmt.Sprintf("%d/%d", q, n), func(t *testing.T) {
				s, twin := NewStream(Seed{7}), NewStream(Seed{7})
				got, want := make([]uint64, n), make([]uint64, n)
				mask := uint64(1)<<bits.Len64(q-1) - 1
				for range 2 {
					s.Uniform(got, q)
					twin.Words(want)
					for i := range want {
						for want[i] &= mask; want[i] >= q; {
							want[i] = twin.word() & mask
						}
					}
					if !slices.Equal(got, want) {
						t.Fatal("the residues differ")
					}
				}
				if s.word() != twin.word() {
					t.Error("the stream goes on elsewhere")
				}
			})
		}
	}
}
