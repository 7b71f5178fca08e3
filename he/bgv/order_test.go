package bgv

import (
	"math/big"
	"strings"
	"testing"

	"qtool/bundle"
)

// A client half of another order of words would decrypt to anything: it is refused, with
// what to do.
func TestOrderRefused(t *testing.T) {
	for _, order := range []int{0, 1, limbOrder + 1} {
		x := parameters{Order: order, LogN: 13}
		err := x.check(bundle.Range{Lo: big.NewInt(0), Hi: big.NewInt(1)})
		if err == nil || !strings.Contains(err.Error(), "make both halves again with plan") {
			t.Errorf("order %d: %v", order, err)
		}
	}
}
