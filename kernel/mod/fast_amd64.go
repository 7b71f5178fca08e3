//go:build !purego

package mod

import "qtool/kernel/cpu"

func (m *Modulus) dotFast(dst, x, y []uint64, p Pairs, w Factor) {
	var none int64
	pairs := &none
	if len(p.offsets) > 0 {
		pairs = &p.offsets[0]
	}
	negative := -m.inverse & (1<<52 - 1)
	dotIFMA(&dst[0], &x[0], &y[0], pairs, uint64(p.mixed), uint64(p.plain), uint64(len(dst)/32), w.w, w.short, m.Q, negative)
}

func (m *Modulus) innerFast(a, b []uint64, terms []Term, from int) {
	innerIFMA(&a[0], &b[0], &terms[0].S, uint64(len(terms)), uint64(8*from), uint64(len(a)/32), m.lattigo.w, m.lattigo.short, m.Q, -m.inverse&(1<<52-1))
}

// sums runs the kernel of a block, n words a row in rounds.
func (m *Modulus) sums(b *weightBlock, dst []uint64, stride int, x []uint64, offsets []int64, base *[8]uint64, n int) {
	d, s, x0, o, w := &dst[0], uint64(8*stride), &x[0], &offsets[0], &b.w[0]
	taps, words, c := uint64(len(offsets)), uint64(n), &base[0]
	switch b.kernel {
	case cpu.IFMA:
		switch b.rows {
		case 8:
			sums8IFMA(d, s, x0, o, w, taps, words/16, c, b.lift, m.Q, m.barrett)
		case 4:
			sums4IFMA(d, s, x0, o, w, taps, words/32, c, b.lift, m.Q, m.barrett)
		case 2:
			sums2IFMA(d, s, x0, o, w, taps, words/32, c, b.lift, m.Q, m.barrett)
		default:
			sums1IFMA(d, s, x0, o, w, taps, words/64, c, b.lift, m.Q, m.barrett)
		}
	case cpu.AVX512:
		switch b.rows {
		case 8:
			sums8AVX512(d, s, x0, o, w, taps, words/16, c, 0, m.Q, m.barrett)
		case 4:
			sums4AVX512(d, s, x0, o, w, taps, words/32, c, 0, m.Q, m.barrett)
		case 2:
			sums2AVX512(d, s, x0, o, w, taps, words/32, c, 0, m.Q, m.barrett)
		default:
			sums1AVX512(d, s, x0, o, w, taps, words/64, c, 0, m.Q, m.barrett)
		}
	default:
		switch b.rows {
		case 4:
			sums4AVX2(d, s, x0, o, w, taps, words/4, c, 0, m.Q, m.barrett)
		case 2:
			sums2AVX2(d, s, x0, o, w, taps, words/8, c, 0, m.Q, m.barrett)
		default:
			sums1AVX2(d, s, x0, o, w, taps, words/8, c, 0, m.Q, m.barrett)
		}
	}
}
