package datasets

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numbered returns n images of shape [1, 2, 3]; byte k of image i is 6i+k (mod
// 256) and its label i%10.
func numbered(n int) *Split {
	s := &Split{Images: make([]uint8, 6*n), Labels: make([]uint8, n), Shape: []int{1, 2, 3}}
	for i := range s.Images {
		s.Images[i] = uint8(i)
	}
	for i := range s.Labels {
		s.Labels[i] = uint8(i % 10)
	}
	return s
}

func TestSplitViews(t *testing.T) {
	s := numbered(4)
	if got, want := s.Image(2), []uint8{12, 13, 14, 15, 16, 17}; !bytes.Equal(got, want) {
		t.Errorf("Image(2) = %v, want %v", got, want)
	}
	sub := s.Subset([]int{3, 1, 3})
	if got, want := sub.Labels, []uint8{3, 1, 3}; !bytes.Equal(got, want) {
		t.Errorf("Subset labels = %v, want %v", got, want)
	}
	sub.Images[0] = 99
	if s.Image(3)[0] == 99 {
		t.Error("Subset shares memory")
	}
	first := s.First(2)
	if first.Len() != 2 || &first.Images[0] != &s.Images[0] {
		t.Errorf("First(2) has %d images or does not share memory", first.Len())
	}
	if n := s.First(9).Len(); n != 4 {
		t.Errorf("First(9) of 4 has %d images", n)
	}
	if extended := append(first.Image(1), 77); s.Image(2)[0] == extended[6] {
		t.Error("appending to a view wrote to the next image")
	}
}

func TestBatchesCoverInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := numbered(rapid.IntRange(0, 40).Draw(t, "images"))
		size := rapid.OneOf(rapid.IntRange(1, 45), rapid.Just(int(^uint(0)>>1))).Draw(t, "size")
		var images, labels []uint8
		for b, err := range s.Batches(size) {
			if err != nil {
				t.Fatal(err)
			}
			if b.Start != len(labels) {
				t.Fatalf("batch starts at %d, want %d", b.Start, len(labels))
			}
			images, labels = append(images, b.Images...), append(labels, b.Labels...)
			if len(b.Labels) != size && len(labels) != s.Len() {
				t.Fatalf("batch of %d in the middle, want %d", len(b.Labels), size)
			}
		}
		if !bytes.Equal(images, s.Images) || !bytes.Equal(labels, s.Labels) {
			t.Fatal("batches do not add up to the split")
		}
	})
}

func TestBatchesErrors(t *testing.T) {
	short := numbered(3)
	short.Images = short.Images[:17]
	for _, test := range []struct {
		split *Split
		size  int
		want  string
	}{
		{numbered(3), 0, "datasets: batch size 0 is below 1"},
		{short, 1, "datasets: 3 samples of shape [1 2 3] need 18 bytes, got 17"},
	} {
		n := 0
		for _, err := range test.split.Batches(test.size) {
			if n++; err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		}
		if n != 1 {
			t.Errorf("%d yields, want one error", n)
		}
	}
}

func TestHoldout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := numbered(rapid.IntRange(1, 40).Draw(t, "images"))
		n := rapid.IntRange(0, s.Len()-1).Draw(t, "n")
		seed := rapid.Uint64().Draw(t, "seed")
		train, val, err := s.Holdout(n, seed)
		if err != nil {
			t.Fatal(err)
		}
		if train.Len() != s.Len()-n || val.Len() != n {
			t.Fatalf("%d + %d images, want %d + %d", train.Len(), val.Len(), s.Len()-n, n)
		}
		var seen []int
		for _, part := range []*Split{train, val} {
			for i := range part.Len() {
				seen = append(seen, int(part.Image(i)[0])/6)
			}
		}
		slices.Sort(seen)
		for i, got := range seen {
			if got != i {
				t.Fatalf("images %v are not each of the %d once", seen, s.Len())
			}
		}
		again, _, _ := s.Holdout(n, seed)
		if diff := cmp.Diff(train, again); diff != "" {
			t.Fatalf("same seed, other split:\n%s", diff)
		}
	})
}

func TestHoldoutIsPinned(t *testing.T) {
	_, val, err := numbered(10).Holdout(5, 1)
	if err != nil {
		t.Fatal(err)
	}
	// Recorded from this implementation: runs must be repeatable for years.
	if want := []uint8{1, 4, 3, 2, 6}; !bytes.Equal(val.Labels, want) {
		t.Errorf("val labels %v, want %v", val.Labels, want)
	}
}

func TestHoldoutLimits(t *testing.T) {
	for _, n := range []int{-1, 3, 4} {
		if _, _, err := numbered(3).Holdout(n, 1); err == nil || !strings.Contains(err.Error(), "is not in [0, 2]") {
			t.Errorf("Holdout(%d) of 3: error %v", n, err)
		}
	}
}
