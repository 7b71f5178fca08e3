package sample

import (
	"encoding/binary"
	"fmt"
	"testing"

	"qtool/he/internal/guard/guardtest"
)

func TestStreamIsHidden(t *testing.T) {
	s := NewStream(Seed{30})
	s.Words(make([]uint64, 3))
	ahead := make([]uint64, 40)
	for i := range ahead {
		ahead[i] = binary.LittleEndian.Uint64(s.buffer[s.next+8*i:])
	}
	bytes := make([]int8, 64)
	for i := range bytes {
		bytes[i] = int8(s.buffer[s.next+i])
	}
	guardtest.Hidden(t, s, guardtest.Secrets{Words: [][]uint64{ahead}, Small: [][]int8{bytes}})
}

// A seed is an array, which package fmt prints in an unexported field: it is hidden
// by itself and where its methods are found.
func TestSeedIsHidden(t *testing.T) {
	seed := NewStream(Seed{31}).Seed()
	for _, verb := range guardtest.Verbs {
		for _, x := range []any{seed, &seed} {
			if got := fmt.Sprintf(verb, x); got != "sample.Seed" {
				t.Errorf("%s prints %q", verb, got)
			}
		}
	}
}
