package tfhe

import (
	"math"
	"testing"

	"qtool/bundle/lstmtest"
)

// Joined layers have the failures of those they are made of.
func TestMergeKeepsFailures(t *testing.T) {
	layers, err := lower(t.Context(), lstmtest.Table(lstmtest.Shape{Steps: 4, Inputs: 4, Hidden: 3}, 40, 1))
	if err != nil {
		t.Fatal(err)
	}
	joined := merge(layers)
	if len(joined) >= len(layers)/2 {
		t.Errorf("%d layers of %d are left", len(joined), len(layers))
	}
	for _, bits := range []int{16, 18, 20} {
		l := testInsecureLiteral()
		l.LogSmallQ = bits
		_, want := l.budget(layers)
		_, got := l.budget(joined)
		if math.Abs(got-want) > 1e-9*want {
			t.Errorf("q of %d bits: %g failures, want %g", bits, got, want)
		}
	}
}
