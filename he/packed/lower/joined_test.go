package lower

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
)

// Maps of two tensors and the input, in every pair of layouts of different periods and
// with every sum over blocks, give the rows' sums in every slot that the output's layout
// promises, from junk elsewhere.
func TestJoinedMaps(t *testing.T) {
	const slots = 256
	r := rand.New(rand.NewPCG(5, 6))
	a, b, in := []int{2, 6, 6}, []int{40}, 9
	widths := [3]int{bundle.Size(a), bundle.Size(b), in}
	first := [3]int{0, widths[0], widths[0] + widths[1]}
	n := first[2] + in
	x := make([]int64, n)
	for i := range x {
		x[i] = int64(r.IntN(31)) - 15
	}
	for _, units := range []int{3, 70, 300} {
		d := &bundle.Dense{Units: units, Inputs: n, Weight: random(r, units*n), Bias: bundle.Vec{Small: make([]int64, units)}}
		for k := range d.Weight {
			if r.IntN(8) > 0 {
				d.Weight[k] = 0 // so that some outputs read little
			}
		}
		m := fromRows(d.Rows([]int{n}))
		to := &layouts([]int{units}, nil, slots, nil)[0]
		for _, la := range layouts(a, nil, slots, nil) {
			lb := &layouts(b, nil, slots, nil)[0]
			sources := []source{{widths[0], la.Read()}, {widths[1], lb.Read()}, {width: in}}
			for d := 0; to.Period<<d <= slots; d++ {
				l := newMap(m, sources, &to.Places, d, maxTerms)
				if l == nil {
					t.Fatalf("%d units: too many products", units)
				}
				packed := append(spread(r, x[:first[1]], la.Read(), slots), spread(r, x[first[1]:first[2]], lb.Read(), slots)...)
				for _, view := range l.Views {
					ct := make([]int64, slots)
					for s := range ct {
						if e := view[s%len(view)]; e >= 0 {
							ct[s] = x[first[2]+int(e)]
						}
					}
					packed = append(packed, ct)
				}
				if len(packed) != l.Cts {
					t.Fatalf("%d ciphertexts for a map of %d", len(packed), l.Cts)
				}
				for giant := 1; giant <= slots; giant *= 8 {
					check(t, fmt.Sprintf("%d units from %s, %d doublings", units, la.Name, d), l, evaluate(l, l.split(giant), packed, slots), x, slots)
				}
			}
		}
	}
}

// A sum whose members have polynomials of their own is not taken before the gains are.
func TestSumsWithin(t *testing.T) {
	dense := &bundle.Dense{Units: 1, Inputs: 4, Weight: []int32{1, 1, 1, 1}, Bias: bundle.Vec{Small: []int64{0}}}
	s := classes(dense.Rows([]int{4}), []int{1})
	if s == nil || !s.within(1) || s.within(2) {
		t.Errorf("%+v lies within one half", s)
	}
	pool := &bundle.SumPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}
	if s := classes(pool.Rows([]int{2, 4, 4}), []int{2, 2, 2}); s == nil || !s.within(2) || s.within(8) {
		t.Errorf("%+v does not lie within its channels", s)
	}
}

// A branch stands as low as its reader lets it, and all take as many primes as the
// longest path.
func TestLimbs(t *testing.T) {
	square := bundle.Square()
	segments := []Segment{
		{Sources: []int{Input}, Poly: square},
		{Sources: []int{Input}},
		{Sources: []int{0}, Poly: square},
		{Sources: []int{Input, 1, 2}},
	}
	entry, fresh := limbs(segments, 2)
	for i, want := range []int{6, 3, 4, 2} {
		if entry[i] != want {
			t.Errorf("segment %d enters with %d limbs, want %d", i, entry[i], want)
		}
	}
	if fresh != 6 || Rescales(segments) != 4 {
		t.Errorf("%d fresh limbs and %d rescales, want 6 and 4", fresh, Rescales(segments))
	}
}
