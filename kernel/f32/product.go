package f32

import "fmt"

// Matrix is rows of values, Row apart in Data.
type Matrix struct {
	Data []float32
	Row  int
}

// Term is one summand of Product: where the factors of row 0 of a, and the run
// of b that they multiply, begin.
type Term struct{ A, B int }

type productKernel func(dst *float32, dstRow int, init *float32, a *float32, aRow int, b *float32, terms *int, count, tiles, last int)

// Product computes m rows of n columns
//
//	dst[r, j] = init[r] + sum_k a[r*a.Row + terms[k].A] * b[terms[k].B + j]
//
// in the order of k: each product is rounded to float32, then each sum. A nil
// init starts from what dst holds. dst must not overlap a or b.
//
// With terms (k, k*n) it is a product of matrices, with (k*m, k*n) and a.Row 1
// one whose first factor is transposed, and with an offset a tap it is a row of
// pixels of a convolution, which needs no unfolded copy of the image: the
// indirect convolution of Dukhan, arXiv 1907.02129.
//
// It panics if a factor or a result lies outside of its slice, or init is
// shorter than m.
func Product(dst Matrix, init []float32, a Matrix, b []float32, terms []Term, m, n int) {
	if m <= 0 || n <= 0 {
		return
	}
	// The factors of the last row, and the beginnings of runs, that there are.
	room, begins := max(0, len(a.Data)-(m-1)*a.Row), max(0, len(b)-n+1)
	for _, t := range terms {
		if uint(t.A) >= uint(room) || uint(t.B) >= uint(begins) {
			panic(fmt.Sprintf("f32: term %v of %d rows and %d columns is outside of %d and %d values", t, m, n, len(a.Data), len(b)))
		}
	}
	_ = dst.Data[(m-1)*dst.Row+n-1]
	if init != nil {
		init = init[:m]
	}
	if active == nil || len(terms) == 0 {
		productGeneric(dst, init, a, b, terms, m, n)
		return
	}
	// A block of terms and columns of b stays in a cache while all rows pass over it:
	// in the second-level one for few rows, which calls of kernels would cost more.
	blockTerms, blockValues := 1024, 1<<16
	if m > 2*len(active.product) {
		blockTerms, blockValues = active.blockTerms, active.blockValues
	}
	for from := 0; from < len(terms); from += blockTerms {
		block := terms[from:min(from+blockTerms, len(terms))]
		tile := active.width * len(active.product[0])
		columns := max(1, blockValues/len(block)/tile) * tile
		if n <= columns+active.width {
			columns = n
		}
		for j := 0; j < n; j += columns {
			productBlock(Matrix{dst.Data[j:], dst.Row}, init, a, b[j:], block, m, min(columns, n-j))
		}
		init = nil
	}
}

// productBlock goes over tiles of rows, as few as there can be and their heights as
// equal: a low one has too few sums in flight. Where all columns fit one wide tile, as
// the 50 images of a shard do, that is better than a tile and a rest.
func productBlock(dst Matrix, init []float32, a Matrix, b []float32, terms []Term, m, n int) {
	most := active.width * len(active.product[0])
	wide := n > most && n <= most+active.width && active.wide != nil
	height := len(active.product)
	if wide {
		height = len(active.wide)
	}
	passes := parts(m, height)
	for r := 0; r < m; passes-- {
		rows := parts(m-r, passes)
		var from *float32
		if init != nil {
			from = &init[r]
		}
		dst, dstRow, a, aRow := dst.Data[r*dst.Row:], dst.Row, a.Data[r*a.Row:], a.Row
		if wide {
			active.wide[rows-1](&dst[0], dstRow, from, &a[0], aRow, &b[0], &terms[0].A, len(terms), 1, n-most)
		} else {
			productRows(dst, dstRow, from, a, aRow, b, terms, rows, n)
		}
		r += rows
	}
}

// productRows goes over tiles of columns: whole ones, then the rest.
func productRows(dst []float32, dstRow int, init *float32, a []float32, aRow int, b []float32, terms []Term, rows, n int) {
	row, width := active.product[rows-1], active.width
	wide := width * len(row)
	tiles := n / wide
	if tiles > 0 {
		row[len(row)-1](&dst[0], dstRow, init, &a[0], aRow, &b[0], &terms[0].A, len(terms), tiles, width)
	}
	if j := tiles * wide; j < n {
		vectors := (n - j + width - 1) / width
		row[vectors-1](&dst[j], dstRow, init, &a[0], aRow, &b[j], &terms[0].A, len(terms), 1, n-j-(vectors-1)*width)
	}
}

// productGeneric is Product's twin. Four terms a pass save loads and stores of
// dst; the order is the same.
func productGeneric(dst Matrix, init []float32, a Matrix, b []float32, terms []Term, m, n int) {
	const block = 512 // columns: a few rows of b fit the first-level cache
	for j := 0; j < n; j += block {
		n := min(block, n-j)
		for r := range m {
			y := dst.Data[r*dst.Row+j:][:n]
			if init != nil {
				for i := range y {
					y[i] = init[r]
				}
			}
			if len(terms) == 0 {
				continue
			}
			a, k := a.Data[r*a.Row:], 0
			for ; k+4 <= len(terms); k += 4 {
				t := terms[k : k+4]
				a0, a1, a2, a3 := a[t[0].A], a[t[1].A], a[t[2].A], a[t[3].A]
				b0, b1, b2, b3 := b[t[0].B+j:][:n], b[t[1].B+j:][:n], b[t[2].B+j:][:n], b[t[3].B+j:][:n]
				for i, s := range y {
					s += float32(a0 * b0[i])
					s += float32(a1 * b1[i])
					s += float32(a2 * b2[i])
					y[i] = s + float32(a3*b3[i])
				}
			}
			for ; k < len(terms); k++ {
				f, b := a[terms[k].A], b[terms[k].B+j:][:n]
				for i := range y {
					y[i] += float32(f * b[i])
				}
			}
		}
	}
}
