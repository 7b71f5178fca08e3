package costmodel

import (
	"math"
	"testing"
)

// Coarse is within half a unit of the last bit that it keeps, and the same for what
// the order of operations makes of one sum.
func TestCoarse(t *testing.T) {
	for _, x := range []float64{0, 1, 1.0 / 3, 2.0 / 3, 1e-30, 123456789.987654321, -7.1, math.MaxFloat32, math.Nextafter(2, 0)} {
		got := Coarse(x)
		if math.Abs(got-x) > math.Abs(x)*math.Exp2(-30) {
			t.Errorf("%v became %v", x, got)
		}
		if Coarse(got) != got {
			t.Errorf("%v became %v and then %v", x, got, Coarse(got))
		}
	}
	tenth, three := 0.1, 3.0
	a := tenth * three
	if b := three / 10; a == b || Coarse(a) != Coarse(b) {
		t.Errorf("%v and %v became %v and %v", a, b, Coarse(a), Coarse(b))
	}
	if x := Coarse(math.Inf(1)); !math.IsInf(x, 1) {
		t.Errorf("infinity became %v", x)
	}
	if x := Coarse(math.NaN()); !math.IsNaN(x) {
		t.Errorf("NaN became %v", x)
	}
}
