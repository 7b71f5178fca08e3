package verify

import (
	"errors"
	"reflect"
	"testing"

	"qtool/bundle"
	"qtool/he"
)

// Near ties are counted; a flip of one is listed, a flip of a decided answer is a mismatch.
func TestUndecided(t *testing.T) {
	l := &Ladder{
		Output: &bundle.Node{Scale: []float64{1}}, Labels: []uint8{0, 1, 1, 0},
		Integer: []bundle.Vec{vec(9, 0), vec(4, 5), vec(5, 6), vec(7, 0)},
		Encrypted: he.Approximate{
			Reals: [][]float64{{9.1, 0.1}, {4.6, 4.5}, {5.4, 5.6}, {6.9, 0}},
			Bound: []float64{2, 2}, Usual: []float64{0.6, 0.6},
		},
	}
	c, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	p := c.Precision
	if p.Undecided != 2 || p.DecidedFlips != 0 || len(p.Flips) != 1 || !p.Flips[0].Undecided || p.Flips[0].Image != 1 {
		t.Errorf("%+v", *p)
	}
	var r Report
	if r.Apply(c); r.Err() != nil || r.Undecided == nil || *r.Undecided != 2 {
		t.Errorf("undecided %v: %v", r.Undecided, r.Err())
	}
	l.Encrypted = he.Approximate{
		Reals: [][]float64{{9, 0}, {6, 4}, {5, 6}, {7, 0}},
		Bound: []float64{2, 2}, Usual: []float64{0.6, 0.6},
	}
	if c, err = l.Compare(); err != nil || c.Precision.DecidedFlips != 1 || c.Precision.Undecided != 1 {
		t.Errorf("%+v, %v", c.Precision, err)
	}
	if r.Apply(c); !errors.Is(r.Err(), ErrMismatch) {
		t.Errorf("a decided answer flips: %v", r.Err())
	}
	// Rounded answers say what they said before.
	rounded := l.Encrypted.(he.Approximate).Rounded(l.Output)
	l.Encrypted = rounded
	if c, err = l.Compare(); err != nil || c.Precision.Outside != 0 || c.Precision.DecidedFlips != 1 || c.Precision.Undecided != 1 {
		t.Errorf("rounded: %+v, %v", c.Precision, err)
	}
	if got := newPart(0, &he.Result{Answers: rounded}).result().Answers; !reflect.DeepEqual(got, rounded) {
		t.Errorf("%+v came back as %+v", rounded, got)
	}
}
