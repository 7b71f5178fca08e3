package f32

// bilinear is a direct call, as one through a variable would put its arguments
// on the heap.
func bilinear(dst *float32, w, h int, src *uint8, stride int, m *int64) {
	bilinearAVX2(dst, w, h, src, stride, m)
}
