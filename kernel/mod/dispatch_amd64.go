//go:build !purego

package mod

import "qtool/kernel/cpu"

// quarterSums runs the kernel of a block with weights of 16 bits, n words a row in
// rounds.
func (m *Modulus) quarterSums(b *weightBlock, dst []uint64, stride int, x []uint64, offsets []int64, base *[8]uint64, n int) {
	d, s, x0, o, w := &dst[0], uint64(8*stride), &x[0], &offsets[0], &b.quarters[0]
	taps, words, c := uint64(len(offsets)), uint64(n), &base[0]
	ratio := 0x1p32 / float64(m.Q)
	if b.kernel == cpu.AVX512 {
		switch b.rows {
		case 8:
			quarters8AVX512(d, s, x0, o, w, taps, words/8, c, m.Q, ratio)
		case 4:
			quarters4AVX512(d, s, x0, o, w, taps, words/16, c, m.Q, ratio)
		case 2:
			quarters2AVX512(d, s, x0, o, w, taps, words/32, c, m.Q, ratio)
		default:
			quarters1AVX512(d, s, x0, o, w, taps, words/32, c, m.Q, ratio)
		}
		return
	}
	switch b.rows {
	case 4:
		quarters4AVX2(d, s, x0, o, w, taps, words/4, c, m.Q, ratio)
	case 2:
		quarters2AVX2(d, s, x0, o, w, taps, words/8, c, m.Q, ratio)
	default:
		quarters1AVX2(d, s, x0, o, w, taps, words/16, c, m.Q, ratio)
	}
}

func (m *Modulus) dotFused(dst, x, y []uint64, p Pairs, w Factor) {
	var none int64
	pairs := &none
	if len(p.offsets) > 0 {
		pairs = &p.offsets[0]
	}
	group, carrier := m.lazyGroup()
	dotAVX2(&dst[0], &x[0], &y[0], pairs, uint64(p.mixed), uint64(p.plain), uint64(len(dst)/8), group, carrier, w.number, w.ratio, m.double.constants())
}

func (m *Modulus) innerFused(a, b []uint64, terms []Term, from int) {
	group, carrier := m.lazyGroup()
	w := &m.lattigo
	innerAVX2(&a[0], &b[0], &terms[0].S, uint64(len(terms)), uint64(8*from), uint64(len(a)/8), group, carrier, w.number, w.ratio, m.double.constants())
}
