//go:build !purego

package gadget

import "qtool/kernel/cpu"

// The assembly works on whole vectors; each of these returns how many words it
// did.

//go:noescape
func splitAVX512(dst **uint64, a, b *uint64, vectors uint64, c *splitting, flip, lift uint64)

//go:noescape
func innerIFMA(dst *uint64, digits, keys **uint64, rows, vectors uint64, c *reducing)

//go:noescape
func addAVX512(dst, src *uint64, vectors, q uint64)

//go:noescape
func addMulAVX512(dst, src *uint32, vectors uint64, w uint32)

//go:noescape
func addMulAVX2(dst, src *uint32, vectors uint64, w uint32)

func (g *Gadget) splitFast(dst [][]uint64, a, b []uint64, negate bool) int {
	n := len(a) / 8
	if n == 0 {
		return 0
	}
	var p [MaxLevels]*uint64
	for j, d := range dst {
		p[j] = &d[0]
	}
	flip, lift := uint64(0), uint64(0)
	if negate { // -a = (a xor -1) + 1
		flip, lift = ^uint64(0), g.Q+1
	}
	c := &g.split
	if g.level >= cpu.AVX512 {
		splitAVX512(&p[0], &a[0], &b[0], uint64(n), c, flip, lift)
		return 8 * n
	}
	lifted := 1<<62 + c.bias
	for j := range c.lower {
		lifted += c.digitHalf << (c.drop + j*c.base)
	}
	splitAVX2(&p[0], &a[0], &b[0], uint64(n), flip, lift, c.q, c.half, lifted, c.digitHalf, c.digitMask, c.drop, c.base, c.lower, 1<<(62-c.drop-c.lower*c.base))
	return 8 * n
}

func (g *Gadget) innerFused(dst []uint64, digits, keys [][]uint64) int {
	n := len(dst) / 8
	if n == 0 || len(digits) == 0 {
		return 0
	}
	var d, k [2 * MaxLevels]*uint64
	for r := range digits {
		d[r], k[r] = &digits[r][0], &keys[r][0]
	}
	s := g.sums
	innerAVX2(&dst[0], &d[0], &k[0], uint64(len(digits)), uint64(n), s.group, s.carrier, s.factor, s.ratio, &s.constants[0][0])
	return 8 * n
}

func (g *Gadget) innerFast(dst []uint64, digits, keys [][]uint64) int {
	n := len(dst) / 8
	if n == 0 || len(digits) == 0 {
		return 0
	}
	var d, k [2 * MaxLevels]*uint64
	for r := range digits {
		d[r], k[r] = &digits[r][0], &keys[r][0]
	}
	innerIFMA(&dst[0], &d[0], &k[0], uint64(len(digits)), uint64(n), &g.inner)
	return 8 * n
}

func (g *Gadget) addFast(dst, src []uint64) int {
	n := len(dst) / 8
	switch {
	case n == 0:
	case g.level >= cpu.AVX512:
		addAVX512(&dst[0], &src[0], uint64(n), g.Q)
	default:
		addAVX2(&dst[0], &src[0], uint64(n), g.Q)
	}
	return 8 * n
}

func addMulFast(level cpu.Level, dst, src []uint32, w uint32) int {
	width := 8
	if level >= cpu.AVX512 {
		width = 16
	}
	n := len(dst) / width
	switch {
	case n == 0:
	case width == 16:
		addMulAVX512(&dst[0], &src[0], uint64(n), w)
	default:
		addMulAVX2(&dst[0], &src[0], uint64(n), w)
	}
	return width * n
}
