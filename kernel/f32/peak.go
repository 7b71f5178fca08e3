package f32

import "runtime"

// Peak multiplies and adds in registers alone, n > 0 rounds of as much as the
// active kernels keep in flight, and returns the number of operations. The time
// it takes is what the processor needs at least for so many without fusing:
// what kernels are measured against.
func Peak(n int) (flops int) {
	if active != nil {
		active.peak(n)
		return n * active.peakFlops
	}
	var a, b, c, d, e, f, g, h float32
	for x := float32(1); n > 0; n-- {
		a += float32(x * 3)
		b += float32(x * 5)
		c += float32(x * 7)
		d += float32(x * 9)
		e += float32(x * 11)
		f += float32(x * 13)
		g += float32(x * 15)
		h += float32(x * 17)
		flops += 16
	}
	runtime.KeepAlive(a + b + c + d + e + f + g + h) // so that the compiler does not leave the sums out
	return flops
}
