package packed

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Lists come back from their runs, whatever they hold, and lists of layouts take few.
func TestRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Int32Range(-1, 20), 0, 200).Draw(t, "list")
		for range rapid.IntRange(0, 3).Draw(t, "copies") {
			list = append(list, list...)
		}
		got, err := decodeRuns("list", encodeRuns(list), len(list), 21)
		if err != nil || !slices.Equal(got, list) {
			t.Fatalf("%v came back as %v, %v", list, got, err)
		}
	})
	var view []int32 // rows of 28 in 32 slots, over 8 channels of 1024
	for i := range 8 << 10 {
		y, x := i>>5&31, i&31
		if y < 28 && x < 28 {
			view = append(view, int32(28*y+x))
		} else {
			view = append(view, -1)
		}
	}
	if code := encodeRuns(view); len(code) > 3*8 {
		t.Errorf("a picture's view takes %d runs", len(code)/3)
	}
}

// What is no code of runs is refused, and takes no more memory than was said.
func TestRunsAreChecked(t *testing.T) {
	for _, code := range [][]int{
		{0, 1}, {0, 1, 3}, {0, 1, 5}, {0, 1, 0}, {0, 1, -4}, {1, 0, 4}, {-1, 0, 4}, {0, 9, 4}, {0, -2, 4}, {0, 5, 1, 1, 2, 3}, {0, 0, 1, 1, -1, 3},
		{0, 1, 1, 1, 1 << 62, 3}, {0, 1, 4, 0, 1, 1}, {0, 1, 1, 1, -(1 << 62), 3},
	} {
		if got, err := decodeRuns("list", code, 4, 9); err == nil {
			t.Errorf("%v is read as %v", code, got)
		}
	}
	if got, err := decodeRuns("list", []int{0, -1, 1, 0, 5, 1, 2, 3, 2}, 4, 9); err != nil || !slices.Equal(got, []int32{-1, 5, -1, 8}) {
		t.Errorf("runs are read as %v, %v", got, err)
	}
}
