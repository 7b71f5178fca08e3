//go:build !purego

package gadget

//go:noescape
func powerIFMA(dst, powers *uint64, order *uint32, count, e, mask uint64, lanes *uint64, q uint64)

//go:noescape
func pairIFMA(a, b *uint64, x, ka, kb **uint64, rows, rounds uint64, c *pairing)

func (m *Monomials) powerFast(dst []uint64, order []uint32, e uint64) {
	powerIFMA(&dst[0], &m.powers[0], &order[0], uint64(len(order)), e, uint64(2*m.n-1), &m.lanes[e&7][0], m.q)
}

func (m *Monomials) pairFast(a, b []uint64, x, ka, kb [][]uint64, from, at int) {
	var px, pa, pb [MaxRows]*uint64
	for r := range x {
		px[r], pa[r], pb[r] = &x[r][from], &ka[r][at], &kb[r][at]
	}
	pairIFMA(&a[0], &b[0], &px[0], &pa[0], &pb[0], uint64(len(x)), uint64(len(a)/32), &m.sums)
}

//go:noescape
func multiplyIFMA(dst, x, y *uint64, vectors uint64, c *pairing)

func (m *Monomials) multiplyFast(dst, x, y []uint64) {
	multiplyIFMA(&dst[0], &x[0], &y[0], uint64(len(dst)/8), &m.sums)
}
