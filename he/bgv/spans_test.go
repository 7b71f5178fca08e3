package bgv

import (
	"slices"
	"testing"
)

// Spans cover all polynomials, in whole units, with no more words than are at hand but for
// one unit, and give every worker something to do where there is enough.
func TestSpans(t *testing.T) {
	for _, n := range []int{2, 4, 10, 1568, 1728, 6912} {
		for _, slots := range []int{1 << 10, 1 << 13, 1 << 14, 1 << 16} {
			for _, unit := range []int{1, 2} {
				for _, workers := range []int{1, 2, 64} {
					size, count := spans(n, slots, unit, workers)
					if size < unit || size%unit != 0 || size*count < n || size*(count-1) >= n || size > unit && size*slots > spanWords {
						t.Errorf("%d polynomials of %d words in units of %d, %d workers: %d spans of %d", n, slots, unit, workers, count, size)
					}
					if count < min(4*workers, n/unit) {
						t.Errorf("%d polynomials of %d words, %d workers: only %d spans", n, slots, workers, count)
					}
				}
			}
		}
	}
}

// Moving polynomials together is moving each.
func TestSpansAreTheirPolynomials(t *testing.T) {
	const n, elements, degree = 4 * block, 5, 2
	var one, all tensor
	one.reset(n, elements, degree, 2)
	all.reset(n, elements, degree, 2)
	var src, got [][]uint64
	for f := range elements * (degree + 1) {
		x := make([]uint64, n)
		for k := range x {
			x[k] = uint64(f*n + k)
		}
		src, got = append(src, x), append(got, make([]uint64, n))
		one.scatter(x, 1, f/(degree+1), f%(degree+1))
	}
	for first := 0; first < len(src); first += 4 {
		to := min(first+4, len(src))
		all.scatterSpan(src[first:to], 1, first)
		all.gatherSpan(got[first:to], 1, first)
	}
	if !slices.Equal(one.limbs[1], all.limbs[1]) {
		t.Error("scattered together, polynomials lie elsewhere")
	}
	if !slices.EqualFunc(src, got, slices.Equal) {
		t.Error("gathered together, polynomials are others")
	}
}
