package mod

import (
	"math/bits"
	"slices"

	"qtool/kernel/cpu"
)

// SignedCount is, for each word x of src, how many thresholds x>>1 reaches,
// negated if x is odd:
//
//	dst = (-1)^(x mod 2) #{t in table: floor(x/2) >= t}
//
// With a table of cumulative probabilities that is a sample of a symmetric
// distribution. Time and memory accesses do not depend on x. level is the level of the
// kernels to use.
func SignedCount(level cpu.Level, dst []int64, src, table []uint64) {
	same(len(dst), len(src))
	if level >= cpu.AVX512 && len(table) > 0 {
		if n := len(dst) / 8; n > 0 {
			countAVX512(&dst[0], &src[0], uint64(n), &table[0], uint64(len(table)))
			dst, src = dst[8*n:], src[8*n:]
		}
	}
	if level == cpu.AVX2 && len(table) > 0 && slices.Max(table)>>63 == 0 {
		if n := len(dst) / 16; n > 0 {
			countAVX2(&dst[0], &src[0], uint64(n), &table[0], uint64(len(table)))
			dst, src = dst[16*n:], src[16*n:]
		}
	}
	for k, x := range src {
		sign := -(x & 1)
		x >>= 1
		var n uint64
		for _, t := range table {
			_, below := bits.Sub64(x, t, 0)
			n += 1 - below
		}
		dst[k] = int64(n ^ sign - sign)
	}
}
