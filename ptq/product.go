package ptq

import (
	"runtime"
	"sync"
)

// Products of matrices of float64, row by row. Every element is a sum that begins
// with what dst holds and adds one product after the other, each rounded before,
// in the order of the inner index: it has the same bits on every processor and
// any number of cores.

// columns is how many columns a product takes at once, so that what it reads
// again stays in a near cache.
const columns = 128

// addProduct adds a b to dst: a is [rows, inner], b [inner, n], dst [rows, n].
func addProduct(dst, a, b []float64, rows, inner, n int) {
	workers := min(runtime.GOMAXPROCS(0), rows)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for from := 0; from < n; from += columns {
				to := min(from+columns, n)
				for i := w * rows / workers; i < (w+1)*rows/workers; i++ {
					addRows(dst[i*n+from:i*n+to], a[i*inner:(i+1)*inner], 1, b[from:], n, inner)
				}
			}
		})
	}
	wg.Wait()
}

// addGram adds a^T b to dst: a is [inner, rows], b [inner, n], dst [rows, n].
func addGram(dst, a, b []float64, rows, inner, n int) {
	for from := 0; from < n; from += columns {
		to := min(from+columns, n)
		for i := range rows {
			addRows(dst[i*n+from:i*n+to], a[i:], rows, b[from:], n, inner)
		}
	}
}

// addRows adds sum_l c[l*step] b_l to dst, where row b_l begins at b[l*stride],
// for l from 0 below inner, in that order.
func addRows(dst, c []float64, step int, b []float64, stride, inner int) {
	l := 0
	for ; l+4 <= inner; l += 4 {
		c0, c1, c2, c3 := c[l*step], c[(l+1)*step], c[(l+2)*step], c[(l+3)*step]
		b0, b1 := b[l*stride:][:len(dst)], b[(l+1)*stride:][:len(dst)]
		b2, b3 := b[(l+2)*stride:][:len(dst)], b[(l+3)*stride:][:len(dst)]
		for j, s := range dst {
			s += float64(c0 * b0[j])
			s += float64(c1 * b1[j])
			s += float64(c2 * b2[j])
			s += float64(c3 * b3[j])
			dst[j] = s
		}
	}
	for ; l < inner; l++ {
		axpy(dst, c[l*step], b[l*stride:][:len(dst)])
	}
}

// axpy adds c x to dst.
func axpy(dst []float64, c float64, x []float64) {
	for j, v := range x {
		dst[j] += float64(c * v)
	}
}
