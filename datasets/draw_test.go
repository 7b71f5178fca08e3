package datasets

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A draw has every class in its proportion, whatever the order of the images, and a
// smaller one is the beginning of a larger one.
func TestDraw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 6).Draw(t, "images of each class")
		s := &Split{Shape: []int{1}}
		for c, n := range counts { // class by class
			for k := range n {
				s.Images, s.Labels = append(s.Images, uint8(k)), append(s.Labels, uint8(c))
			}
		}
		if s.Len() == 0 {
			return
		}
		n, seed := rapid.IntRange(0, s.Len()-1).Draw(t, "n"), rapid.Uint64().Draw(t, "seed")
		d := s.Draw(n, seed)
		if d.Len() != n {
			t.Fatalf("%d images, want %d", d.Len(), n)
		}
		for c, have := range d.PerClass(len(counts)) {
			want := float64(n) * float64(counts[c]) / float64(s.Len())
			if float64(have) < want-float64(len(counts)) || float64(have) > want+float64(len(counts)) {
				t.Errorf("class %d has %d of %d images, want %v", c, have, n, want)
			}
		}
		order := Order(s.Labels, seed)
		sorted := slices.Sorted(slices.Values(order))
		for i, k := range sorted {
			if i != k {
				t.Fatalf("order %v leaves out %d", order, i)
			}
		}
		if again := s.Draw(n, seed); !slices.Equal(again.Labels, d.Labels) || !slices.Equal(again.Images, d.Images) {
			t.Error("the same seed gave another draw")
		}
		if m := n / 2; !slices.Equal(s.Draw(m, seed).Images, d.Images[:m]) {
			t.Error("a smaller draw is not the beginning of a larger one")
		}
	})
	s := &Split{Shape: []int{1}, Images: []uint8{3, 1, 2}, Labels: []uint8{0, 0, 0}}
	if s.Draw(3, 1) != s || s.Draw(9, 1) != s {
		t.Error("a draw of all images is not the split itself")
	}
}

// The order is part of what a recipe means: this one is pinned.
func TestOrderIsPinned(t *testing.T) {
	got := Order([]uint8{0, 0, 0, 0, 1, 1, 1, 1, 2, 2}, 1)
	if want := pinnedOrder; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

var pinnedOrder = []int{1, 4, 8, 3, 5, 0, 7, 9, 2, 6}
