package roles

import (
	"math/big"
	"reflect"
	"testing"

	"qtool/bundle"
	"qtool/he"
)

// Answers are read as labels, reals, margins and, where they are exact, integers; near
// ties of approximate ones are undecided.
func TestRead(t *testing.T) {
	s := &he.ClientSpec{Output: bundle.Node{Shape: []int{3}, Scale: []float64{0.5}}, Labels: []string{"a", "b", "c"}}
	large, _ := new(big.Int).SetString("-340282366920938463463374607431768211456", 10)
	exact := he.Exact{{Small: []int64{4, -2, 1}}, {Big: []*big.Int{large, big.NewInt(1), big.NewInt(3)}}}
	want := []Reading{
		{Label: "a", Class: 0, Scores: []float64{2, -1, 0.5}, Margin: 1.5, Integers: []string{"4", "-2", "1"}},
		{Label: "c", Class: 2, Scores: []float64{-0x1p127, 0.5, 1.5}, Margin: 1, Integers: []string{large.String(), "1", "3"}},
	}
	if got := Read(s, exact); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	bounds := []float64{0.5, 0.5, 0.5}
	near := he.Approximate{Reals: [][]float64{{4, 3.5, 0}, {4, 2, 0}}, Bound: bounds, Usual: bounds}
	want = []Reading{
		{Label: "a", Class: 0, Scores: []float64{2, 1.75, 0}, Margin: 0.25, Undecided: true},
		{Label: "a", Class: 0, Scores: []float64{2, 1, 0}, Margin: 1},
	}
	if got := Read(s, near); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	one := &he.ClientSpec{Output: bundle.Node{Shape: []int{1}, Scale: []float64{0.5}}, Labels: []string{"yes"}}
	if got := Read(one, he.Exact{{Small: []int64{-6}}}); got[0].Margin != 3 {
		t.Errorf("%+v", got)
	}
}
