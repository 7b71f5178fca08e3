//go:build !purego

package mod

// passes splits k >= 2 layers into passes of three and two.
func passes(k int) []int {
	var p []int
	for k > 0 {
		n := 3
		if k == 2 || k == 4 {
			n = 2
		}
		p, k = append(p, n), k-n
	}
	return p
}

// spread lays out the roots of the last three layers, whose butterflies are
// between the words of eight vectors of eight: for each of these blocks seven
// pairs of vectors, of roots and quotients. Lane r is for vector r of the block,
// which has one root in the first of the layers, two in the next, and four.
func (t *Transform) spread(roots []uint64) []uint64 {
	all := make([]uint64, 0, t.n/64*112)
	for b := range t.n / 64 {
		for l := range 3 {
			for i := range 1 << l {
				for part := range 2 {
					for r := range 8 {
						at := t.n>>(3-l) + (8*b+r)<<l + i
						all = append(all, roots[2*at+part])
					}
				}
			}
		}
	}
	return all
}

// forwardFast does the first pass on the whole, and the rest run by run, which
// then lies in the first-level cache.
func (t *Transform) forwardFast(x []uint64) {
	t.pass(x, 0, 1, 0, 1, t.roots, forward8IFMA, forward4IFMA)
	parts := 1 << t.passes[0]
	for i := range parts {
		part := x[i*t.n/parts:][:t.n/parts]
		m, groups := parts, 1
		for k := 1; k < len(t.passes); k++ {
			t.pass(part, k, m, i*groups, groups, t.roots, forward8IFMA, forward4IFMA)
			m, groups = m<<t.passes[k], groups<<t.passes[k]
		}
		first := i * groups
		forward64IFMA(&part[0], uint64(groups), t.m.Q, &t.roots[2*(m+first)], &t.roots[2*(2*m+2*first)], &t.roots[2*(4*m+4*first)], &t.lanes[112*first])
	}
}

func (t *Transform) inverseFast(x []uint64) {
	parts := 1 << t.passes[0]
	blocks := t.n / 64 / parts
	for i := range parts {
		part := x[i*t.n/parts:][:t.n/parts]
		m, groups := parts*blocks, blocks
		first := i * groups
		inverse64IFMA(&part[0], uint64(groups), t.m.Q, &t.inverses[2*(m+first)], &t.inverses[2*(2*m+2*first)], &t.inverses[2*(4*m+4*first)], &t.unlanes[112*first])
		for k := len(t.passes) - 1; k > 0; k-- {
			m, groups = m>>t.passes[k], groups>>t.passes[k]
			t.pass(part, k, m, i*groups, groups, t.inverses, inverse8IFMA, inverse4IFMA)
		}
	}
	r := t.inverses
	if run := uint64(t.n / parts / 8); t.passes[0] == 3 {
		last8IFMA(&x[0], run, 1, t.m.Q, &t.last[0], &r[4], &r[8], &t.scale[0])
	} else {
		last4IFMA(&x[0], run, 1, t.m.Q, &t.last[0], &r[4], &t.scale[0])
	}
}

// pass does pass k on x, which has so many groups of butterflies of its widest
// layer, the first of them the first-th of all. m is the number of groups in a
// whole transform.
func (t *Transform) pass(x []uint64, k, m, first, groups int, roots []uint64,
	radix8 func(x *uint64, run, groups, q uint64, roots0, roots1, roots2 *uint64),
	radix4 func(x *uint64, run, groups, q uint64, roots0, roots1 *uint64)) {
	run := uint64(len(x) / groups >> t.passes[k] / 8)
	r0, r1 := &roots[2*(m+first)], &roots[2*(2*m+2*first)]
	if t.passes[k] == 3 {
		radix8(&x[0], run, uint64(groups), t.m.Q, r0, r1, &roots[2*(4*m+4*first)])
	} else {
		radix4(&x[0], run, uint64(groups), t.m.Q, r0, r1)
	}
}
