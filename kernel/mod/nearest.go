package mod

import "qtool/kernel/cpu"

// Nearest writes dst[k] = floor(1/2 + sum over i of share[i] x[i][from+k]) in
// float64, rounded after every operation in the order written, for sums below
// 2^52: how often the product of moduli d_i is contained in a residue number
// system's sum, share[i] being 1/d_i.
func Nearest(dst []uint64, x [][]uint64, from int, share []float64) {
	nearestAt(cpu.Active, dst, x, from, share)
}

func nearestAt(level cpu.Level, dst []uint64, x [][]uint64, from int, share []float64) {
	same(len(x), len(share))
	within(len(dst), x, from)
	if level >= cpu.AVX512 && len(dst) > 0 && len(dst)%8 == 0 {
		nearestAVX512(&dst[0], &x[0], uint64(8*from), &share[0], uint64(len(share)), uint64(len(dst)/8))
		return
	}
	for k := range dst {
		sum := 0.0
		for i, s := range share {
			sum += float64(float64(x[i][from+k]) * s)
		}
		dst[k] = uint64(sum + 0.5)
	}
}
