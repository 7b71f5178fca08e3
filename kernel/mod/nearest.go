package mod

import "qtool/kernel/cpu"

// Nearest writes dst[k] = floor(1/2 + sum over i of share[i] x[i][from+k]) in
// float64, rounded after every operation in the order written but for the half, which
// is added last, for sums below 2^52: how often the product of moduli d_i is contained
// in a residue number system's sum, share[i] being 1/d_i.
func Nearest(dst []uint64, x [][]uint64, from int, share []float64) {
	nearestAt(cpu.Active, dst, x, from, share, 0, 0.5)
}

// NearestFromHalf is Nearest with the half as the first summand.
func NearestFromHalf(dst []uint64, x [][]uint64, from int, share []float64) {
	nearestAt(cpu.Active, dst, x, from, share, 0.5, 0)
}

func nearestAt(level cpu.Level, dst []uint64, x [][]uint64, from int, share []float64, first, last float64) {
	same(len(x), len(share))
	within(len(dst), x, from)
	if n := uint64(len(dst) / 8); level >= cpu.AVX2 && n > 0 && len(dst)%8 == 0 {
		if level >= cpu.AVX512 {
			nearestAVX512(&dst[0], &x[0], uint64(8*from), &share[0], uint64(len(share)), n, first, last)
		} else {
			nearestAVX2(&dst[0], &x[0], uint64(8*from), &share[0], uint64(len(share)), n, first, last)
		}
		return
	}
	for k := range dst {
		sum := first
		for i, s := range share {
			sum += float64(float64(x[i][from+k]) * s)
		}
		dst[k] = uint64(sum + last)
	}
}
