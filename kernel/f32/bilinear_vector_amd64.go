//go:build !purego

package f32

// bilinear and pairs make direct calls, as ones through variables would put their
// arguments on the heap.
func bilinear(width int, dst *float32, w, h int, src *uint8, stride int, m *int64) {
	if width == 8 {
		bilinearAVX2(dst, w, h, src, stride, m)
	} else {
		bilinearAVX512(dst, w, h, src, stride, m)
	}
}

func pairs(dst, x, y *uint8, n int) { pairsAVX2(dst, x, y, n) }
