package op

import "gonum.org/v1/gonum/blas/gonum"

// gonum's level-1 kernels are vectorised and, unlike its matrix product, never
// start goroutines: training already keeps every core busy with shards.
var blas gonum.Implementation

// axpy is y += a*x; it panics if y is shorter than x.
func axpy(a float32, x, y []float32) {
	if a != 0 {
		blas.Saxpy(len(x), a, x, 1, y, 1)
	}
}

// dot is the sum of x[i]*y[i].
func dot(x, y []float32) float32 { return blas.Sdot(len(x), x, 1, y, 1) }
