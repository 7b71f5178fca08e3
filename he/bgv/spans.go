package bgv

// spanWords is how many words of polynomials a worker has at hand between their own order
// and tiles: half a mebibyte, which stays in a second-level cache. In a tile, neighbouring
// polynomials' blocks lie together: moved together, they are read and written in pieces of
// some kilobytes instead of 512 bytes, each in another page.
const spanWords = 1 << 16

// spans cut n polynomials of N coefficients into parts of the same size, but for the
// last: as many as are at hand at once, in multiples of unit, and fewer where workers
// would have nothing to do.
func spans(n, slots, unit, workers int) (size, count int) {
	size = min(spanWords/slots, n/(4*workers)) / unit * unit
	size = max(size, unit)
	return size, (n + size - 1) / size
}

// span is so many polynomials' share of block b of a limb, from polynomial first on:
// polynomial p of element e has the number e*(degree+1)+p.
func (t *tensor) span(limb, b, first, n int) []uint64 {
	from, to := (b*t.polynomials()+first)*block, (b*t.polynomials()+first+n)*block
	return t.limbs[limb][from:to:to]
}

// polynomials is the number of polynomials of all elements.
func (t *tensor) polynomials() int { return t.elements * (t.degree + 1) }

// gatherSpan copies polynomials of a limb, from number first on, to dst.
func (t *tensor) gatherSpan(dst [][]uint64, limb, first int) {
	for b := range t.blocks() {
		from := t.span(limb, b, first, len(dst))
		for k, x := range dst {
			copy(x[b*block:][:block], from[k*block:])
		}
	}
}

// scatterSpan copies polynomials to a limb, from number first on.
func (t *tensor) scatterSpan(src [][]uint64, limb, first int) {
	for b := range t.blocks() {
		to := t.span(limb, b, first, len(src))
		for k, x := range src {
			copy(to[k*block:][:block], x[b*block:])
		}
	}
}
