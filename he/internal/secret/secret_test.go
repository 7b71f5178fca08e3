package secret

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/internal/sample"
)

func testInsecureParameters(t *testing.T) rlwe.Parameters {
	t.Helper()
	p, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: 9, LogQ: []int{50, 40}, LogP: []int{51}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A key has the stream's coefficients modulo every prime, and comes back from its
// bytes.
func TestInsecureKeysAreTheStreams(t *testing.T) {
	p := testInsecureParameters(t)
	key := New(p, sample.NewStream(sample.Seed{1}))
	want := make([]int8, p.N())
	sample.NewStream(sample.Seed{1}).Ternary(want)
	check := func(limbs [][]uint64, primes []uint64, inverse func(i int, x []uint64)) {
		for i, limb := range limbs {
			x := slices.Clone(limb)
			inverse(i, x)
			for k, v := range x {
				if s := (v + 1) % primes[i]; int8(s)-1 != want[k] || s > 2 {
					t.Fatalf("prime %d: coefficient %d is %d, want %d", primes[i], k, v, want[k])
				}
			}
		}
	}
	check(key.Value.Q.Coeffs, p.Q(), func(i int, x []uint64) { s := p.RingQ().SubRings[i]; s.IMForm(x, x); s.INTT(x, x) })
	check(key.Value.P.Coeffs, p.P(), func(i int, x []uint64) { s := p.RingP().SubRings[i]; s.IMForm(x, x); s.INTT(x, x) })
	b := Coefficients(p, key)
	again, err := Key(p, b)
	if err != nil || !again.Equal(key) {
		t.Errorf("a key changed on its way through bytes, %v", err)
	}
	if other := NewFromSystem(p); other.Equal(key) || bytes.Equal(Coefficients(p, other), Coefficients(p, NewFromSystem(p))) {
		t.Error("keys repeat")
	}
	b[7] = 3
	if again, err := Key(p, b); again != nil || err == nil || !strings.Contains(err.Error(), "coefficient 7") {
		t.Errorf("a damaged key: %v", err)
	}
}
