package f32

// Transpose writes the rows of x, of shape [rows, columns], as the columns of
// dst, of shape [columns, rows].
func Transpose(dst, x []float32, rows, columns int) {
	if len(dst) != rows*columns {
		panic("f32: transpose: lengths and shape disagree")
	}
	fits(dst, x)
	r, wide := 0, columns&^7
	if active != nil && wide > 0 {
		for ; r+8 <= rows; r += 8 {
			active.transpose(&dst[r], rows, &x[r*columns], columns, wide/8)
			if wide < columns {
				transposeGeneric(dst[wide*rows+r:], x[r*columns+wide:], rows, columns, 8, columns-wide)
			}
		}
	}
	transposeGeneric(dst[r:], x[r*columns:], rows, columns, rows-r, columns)
}

// transposeGeneric does m rows of n columns of a larger matrix.
func transposeGeneric(dst, x []float32, rows, columns, m, n int) {
	for c := range n {
		for r := range m {
			dst[c*rows+r] = x[r*columns+c]
		}
	}
}
