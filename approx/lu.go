package approx

import (
	"fmt"
	"math"
)

// maxCondition is beyond what float64 can tell from a singular matrix.
const maxCondition = 1e16

// solution solves A x = b for a square matrix, row by row, by Gauss's elimination
// with row pivots. It overwrites a. Sums are taken in order, with products
// rounded before, so that x has the same bits on every processor.
//
// It returns an error for a matrix that is singular or, by its condition number
// in the norm of row sums, cannot be told from one.
//
// Reference: Golub, Van Loan, "Matrix Computations", algorithm 3.4.1.
func solution(a, b []float64) ([]float64, error) {
	n := len(b)
	norm := 0.0
	for i := range n {
		sum := 0.0
		for _, v := range a[i*n : (i+1)*n] {
			sum += math.Abs(v)
		}
		norm = max(norm, sum)
	}
	pivots := make([]int, n)
	for j := range n {
		p := j
		for i := j + 1; i < n; i++ {
			if math.Abs(a[i*n+j]) > math.Abs(a[p*n+j]) {
				p = i
			}
		}
		pivots[j] = p
		if a[p*n+j] == 0 {
			return nil, fmt.Errorf("the matrix is singular")
		}
		for k := range n {
			a[j*n+k], a[p*n+k] = a[p*n+k], a[j*n+k]
		}
		pivot := 1 / a[j*n+j]
		for i := j + 1; i < n; i++ {
			a[i*n+j] *= pivot
			for k := j + 1; k < n; k++ {
				a[i*n+k] += float64(-a[i*n+j] * a[j*n+k])
			}
		}
	}
	solve := func(x []float64) {
		for j, p := range pivots {
			x[j], x[p] = x[p], x[j]
		}
		for i := range n {
			for k := range i {
				x[i] += float64(-a[i*n+k] * x[k])
			}
		}
		backSubstitute(a, x, n)
	}
	sums, inverse := make([]float64, n), 0.0
	for j := range n {
		column := make([]float64, n)
		column[j] = 1
		solve(column)
		for i, v := range column {
			sums[i] += math.Abs(v)
		}
	}
	for _, s := range sums {
		inverse = max(inverse, s)
	}
	if condition := norm * inverse; !(condition <= maxCondition) {
		return nil, fmt.Errorf("the matrix cannot be told from a singular one: its condition is %.4g, the limit is %g", condition, maxCondition)
	}
	x := append([]float64(nil), b...)
	solve(x)
	return x, nil
}
