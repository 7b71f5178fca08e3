package parts

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
)

// elements are the elements of a list as pairs.
func elements(l List) [][2]int {
	var all [][2]int
	l.Each(func(buffer, element int) { all = append(all, [2]int{buffer, element}) })
	return all
}

// Joining and cutting lists is joining and cutting their elements.
func TestListsAreTheirElements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.Custom(func(t *rapid.T) List {
			var l List
			for range rapid.IntRange(0, 4).Draw(t, "parts") {
				from := rapid.IntRange(0, 5).Draw(t, "from")
				l = append(l, Part{rapid.IntRange(0, 2).Draw(t, "buffer"), from, from + rapid.IntRange(1, 4).Draw(t, "length")})
			}
			return l
		})
		a, b := list.Draw(t, "a"), list.Draw(t, "b")
		both := Join(a, b)
		want := append(elements(a), elements(b)...)
		if !slices.Equal(elements(both), want) || both.Len() != len(want) {
			t.Fatalf("%v and %v join to %v", a, b, both)
		}
		from := rapid.IntRange(0, len(want)).Draw(t, "cut from")
		to := rapid.IntRange(from, len(want)).Draw(t, "cut to")
		if got := both.Cut(from, to); !slices.Equal(elements(got), want[from:to]) {
			t.Fatalf("%v cut at %d..%d is %v", both, from, to, got)
		}
	})
}

func TestWhole(t *testing.T) {
	size := func(int) int { return 4 }
	for _, c := range []struct {
		l  List
		ok bool
	}{
		{All(3, 4), true}, {Join(All(3, 4).Cut(0, 1), All(3, 4).Cut(1, 4)), true},
		{All(3, 3), false}, {All(3, 4).Cut(1, 4), false}, {Join(All(3, 4), All(3, 4)), false}, {nil, false},
	} {
		if b, ok := c.l.Whole(size); ok != c.ok || ok && b != 3 {
			t.Errorf("%v: buffer %d, %v", c.l, b, ok)
		}
	}
}

// An element that is read twice has one error: its weights add up.
func TestNorms(t *testing.T) {
	add := (&bundle.Add{Weights: []int32{3, -1, 2}}).Rows([]int{2}, []int{2}, []int{2})
	for _, c := range []struct {
		l    List
		want []Norm
	}{
		{Join(All(0, 2), All(1, 2), All(2, 2)), []Norm{{3, 9}, {1, 1}, {2, 4}}},
		{Join(All(0, 2), All(1, 2), All(0, 2)), []Norm{{5, 25}, {1, 1}}},
		{Join(All(0, 2), All(0, 2), All(1, 2)), []Norm{{2, 4}, {2, 4}}},
		{Join(All(0, 2), All(0, 4).Cut(2, 4), All(1, 2)), []Norm{{4, 10}, {2, 4}}},
	} {
		n := NewNorms(add, c.l)
		if len(n.Rows) != 1 || !slices.Equal(n.Rows[0], c.want) || len(n.Parts) != len(c.want) {
			t.Errorf("%v: %+v, want %v", c.l, n, c.want)
		}
	}
}
