package mod

import "qtool/kernel/cpu"

// Below replaces words by their bits in mask and says whether all of them are below a
// limit, which must not be 0. level is the level of the kernels to use. Time and
// memory accesses do not depend on the words.
func Below(level cpu.Level, x []uint64, mask, limit uint64) bool {
	above := uint64(0)
	if level >= cpu.AVX2 && (mask|limit)>>63 == 0 {
		if n := len(x) / 8; n > 0 {
			above = belowAVX2(&x[0], uint64(n), mask, limit-1)
			x = x[8*n:]
		}
	}
	for i, w := range x {
		w &= mask
		x[i] = w
		if w >= limit {
			above = 1
		}
	}
	return above == 0
}
