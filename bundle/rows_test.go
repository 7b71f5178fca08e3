package bundle

import "testing"

func TestNorms(t *testing.T) {
	b := newRowBuilder(4, 3, 5)
	for k, w := range []int32{3, 0, -4, 12} {
		b.add(k, w)
	}
	b.end()
	b.add(1, -1<<31)
	b.end()
	b.end()
	b.r.Bias = Vec{Small: make([]int64, 3)}
	for o, want := range [][2]float64{{19, 169}, {1 << 31, 1 << 62}, {0, 0}} {
		if l1, square := b.r.Norms(o); l1 != want[0] || square != want[1] {
			t.Errorf("row %d: norms %v and %v, want %v", o, l1, square, want)
		}
	}
}

func TestDisjoint(t *testing.T) {
	for _, c := range []struct {
		kernel, stride int
		want           bool
	}{{2, 2, true}, {1, 2, true}, {2, 1, false}, {3, 2, false}} {
		if got := (&SumPool{Kernel: Both(c.kernel), Stride: Both(c.stride)}).Rows([]int{2, 5, 5}).Disjoint(); got != c.want {
			t.Errorf("pool of %d, stride %d: %v", c.kernel, c.stride, got)
		}
	}
}
