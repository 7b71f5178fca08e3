package he

import (
	"math"
	"testing"

	"qtool/bundle"
)

// An answer is undecided where errors within the usual bounds could give it another
// label, and not beyond; one output alone is held against 0.
func TestUndecided(t *testing.T) {
	for _, c := range []struct {
		scale, reals, usual []float64
		want                bool
	}{
		{[]float64{1}, []float64{10, 9.5, 0}, []float64{0.2, 0.2, 9}, false},
		{[]float64{1}, []float64{10, 9.7, 0}, []float64{0.2, 0.2, 9}, true},
		{[]float64{1}, []float64{10, 9.5, 0}, []float64{0.2, 0.2, 10}, true}, // the third may still be the largest
		{[]float64{2}, []float64{10, 9.5}, []float64{0.2, 0.2}, false},
		{[]float64{-1}, []float64{10, 9.7}, []float64{0.2, 0.2}, true},
		{[]float64{1, 10}, []float64{10, 0.9}, []float64{0.2, 0.2}, true},
		{[]float64{1}, []float64{10, 10}, []float64{0, 0}, true},
		{[]float64{1}, []float64{10, math.NaN()}, []float64{0.1, 0.1}, true},
		{[]float64{1}, []float64{math.NaN()}, []float64{0.1}, true},
		{[]float64{0.5}, []float64{-3}, []float64{1}, false},
		{[]float64{0.5}, []float64{-2}, []float64{1}, true},
	} {
		a := Approximate{Reals: [][]float64{c.reals}, Bound: c.usual, Usual: c.usual}
		if got := a.Undecided(&bundle.Node{Scale: c.scale}, 0); got != c.want {
			t.Errorf("%v at scale %v, usually within %v: undecided %v", c.reals, c.scale, c.usual, got)
		}
	}
}

// Rounded answers say nothing finer than twice the bound, state the rounding, and keep
// the labels that were decided.
func TestRounded(t *testing.T) {
	out := &bundle.Node{Scale: []float64{1}}
	a := Approximate{
		Reals: [][]float64{{3.1, 3.9, -7.3}, {3.5, 3.6, 8.2}, {-2.04, -2.03, -9}},
		Bound: []float64{0.7, 1, 1.1}, Usual: []float64{0.1, 0.1, 0.1},
	}
	r := a.Rounded(out)
	for i, row := range r.Reals {
		for o, x := range row {
			grid := math.Exp2(math.Ceil(math.Log2(2 * a.Bound[o])))
			if math.Mod(x, grid) != 0 || grid < 2*a.Bound[o] || math.Abs(x-a.Reals[i][o]) > grid/2 || r.Bound[o] != a.Bound[o]+grid/2 || r.Usual[o] != a.Usual[o]+grid/2 {
				t.Errorf("sample %d, output %d: %v became %v on a grid of %v, within %v", i, o, a.Reals[i][o], x, grid, r.Bound[o])
			}
		}
	}
	for i, want := range []Decision{{1, false}, {2, false}, {0, true}} {
		if r.Label(out, i) != want.Label || r.Undecided(out, i) != want.Undecided {
			t.Errorf("sample %d: label %d, undecided %v, want %+v", i, r.Label(out, i), r.Undecided(out, i), want)
		}
	}
	twice := r.followed(r).(Approximate)
	if len(twice.Decisions) != 6 || twice.Label(out, 4) != 2 || !twice.Undecided(out, 5) {
		t.Errorf("joined: %+v", twice)
	}
}
