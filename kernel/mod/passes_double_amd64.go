//go:build !purego

package mod

// The passes on float64. Bounds of |x| between them, in units of q and up to a few
// parts of 2^-16, by what the generator (kernel/asm/mod/double.go) proves of a
// product y w: at most 1/2 + |y| / 32, for |y| <= 4.
//
// Forward, where a layer makes x + w y and x - w y of x and y: words below 4 less 2
// enter with 2. A lazy pass of two layers adds to x <= 2 the products of y <= 2, 0.57,
// and of y <= 2.57, 0.59: 3.16. A reducing pass has x <= 1/2, products of y <= 3.16
// and of y <= 3.76: 1.72. Lazy passes and reducing ones take turns, a lazy one first;
// behind a reducing one a lazy one gives 2.85. Where a single layer lies before the last
// pass, it is between reducing ones, and gives 1.72 + 0.56. So the lanes begin with at
// most 3.16: their products are of y <= 3.16 and of y <= 3.76, and give 4.38, which
// is then reduced.
//
// Inverse, where a layer makes x + y and (x - y) w: words below 2 less 1 enter with 1.
// Two layers on x_0..x_3 of at most 1.16 give (x_0 - x_1) w and (x_2 - x_3) w of at
// most 0.58, and of the sums of these two 1.16 and 0.54. The sum of all four is at
// most 4.64, and reduced to 1/2; x_0 + x_1 - x_2 - x_3 <= 4.64 is past 3, where the
// skewed rounder gives a product of at most 1 + 4.64 / 32: 1.15. So 1.16 holds for all
// again, and behind a single layer, which reduces its sums. The last pass multiplies
// the sums by 1/n, and reduces what may be past 1 behind it.

// doubleCached is the length of parts, in words, that stay in the first-level cache
// with their roots.
const doubleCached = 2048

func (t *Transform) forwardDouble(x []uint64) {
	d := t.double
	forward4FirstAVX2(&x[0], uint64(t.n/16), 1, t.m.double.constants(), &d.roots[2], &d.roots[4])
	for i := range 4 {
		t.forwardPart(x[i*t.n/4:][:t.n/4], 1, i)
	}
}

// forwardPart does what is left from pass k on with the part of x that is group first
// of that pass.
func (t *Transform) forwardPart(x []uint64, k, first int) {
	d, c := t.double, t.m.double.constants()
	top := 1<<(2*k) + first // the part's root, times the number of groups that of their first
	groups := 1
	for ; k < d.passes; k++ {
		if d.halves && k == d.passes-1 {
			forward2AVX2(&x[0], 4, uint64(groups), c, &d.roots[2*groups*top])
			groups *= 2
		}
		kernel := forward4LazyAVX2
		if k%2 == 1 || d.halves && k >= d.passes-2 {
			kernel = forward4AVX2
		}
		kernel(&x[0], uint64(len(x)/groups/16), uint64(groups), c, &d.roots[2*groups*top], &d.roots[4*groups*top])
		if len(x) > doubleCached { // groups is 1
			for i := range 4 {
				t.forwardPart(x[i*len(x)/4:][:len(x)/4], k+1, 4*first+i)
			}
			return
		}
		groups *= 4
	}
	forwardLanesAVX2(&x[0], uint64(len(x)/16), c, &d.lanes[len(x)/16*24*first])
	canonicalAVX2(&x[0], uint64(len(x)/16), c)
}

func (t *Transform) inverseDouble(x []uint64) {
	d := t.double
	for i := range 4 {
		t.inversePart(x[i*t.n/4:][:t.n/4], 1, i)
	}
	last4AVX2(&x[0], uint64(t.n/16), 1, t.m.double.constants(), &d.last[0], &d.inverses[4], &d.scale[0])
}

// inversePart undoes forwardPart.
func (t *Transform) inversePart(x []uint64, k, first int) {
	d, c := t.double, t.m.double.constants()
	top := 1<<(2*k) + first
	if len(x) > doubleCached {
		for i := range 4 {
			t.inversePart(x[i*len(x)/4:][:len(x)/4], k+1, 4*first+i)
		}
		inverse4AVX2(&x[0], uint64(len(x)/16), 1, c, &d.inverses[2*top], &d.inverses[4*top])
		return
	}
	inverseLanesAVX2(&x[0], uint64(len(x)/16), c, &d.unlanes[len(x)/16*24*first])
	groups := len(x) / 4
	for j := d.passes - 1; j >= k; j-- {
		groups /= 4
		inverse4AVX2(&x[0], uint64(len(x)/groups/16), uint64(groups), c, &d.inverses[2*groups*top], &d.inverses[4*groups*top])
		if d.halves && j == d.passes-1 {
			groups /= 2
			inverse2AVX2(&x[0], 4, uint64(groups), c, &d.inverses[2*groups*top])
		}
	}
}
