package approx

import (
	"math"

	"qtool/internal/elementary"
)

// leastSolution minimises |A x - b| for the matrix A of len(b) rows and n
// columns, row by row, by Householder's QR factorisation. It overwrites both a
// and b. Condition is the condition number of A's triangular factor in the norm
// of row sums.
//
// Every sum is taken in the order of rows, with products rounded before it, so
// that x has the same bits on every processor.
//
// Where a column depends on those before it, the condition is infinite and there
// is no x.
//
// Reference: Golub, Van Loan, "Matrix Computations", algorithm 5.2.1; the order
// is the one of LAPACK's dgeqr2 and dorm2r.
func leastSolution(a, b []float64, n int) (x []float64, condition float64) {
	m := len(b)
	work := make([]float64, n)
	for i := range n {
		tau := reflector(a, i, m, n)
		diagonal := a[i*n+i]
		a[i*n+i] = 1
		// a -= tau v (v^T a), b -= tau v (v^T b), with v column i from row i on.
		clear(work)
		of := 0.0
		for r := i; r < m; r++ {
			v := a[r*n+i]
			for c := i + 1; c < n; c++ {
				work[c] += float64(a[r*n+c] * v)
			}
			of += float64(b[r] * v)
		}
		for r := i; r < m; r++ {
			v := -tau * a[r*n+i]
			for c := i + 1; c < n; c++ {
				a[r*n+c] += float64(v * work[c])
			}
			b[r] += float64(v * of)
		}
		a[i*n+i] = diagonal
	}
	for i := range n {
		if a[i*n+i] == 0 {
			return nil, math.Inf(1)
		}
	}
	x = b[:n]
	backSubstitute(a, x, n)
	return x, triangularCondition(a, n)
}

// reflector makes column i of a, from row i on, the vector of a Householder
// reflection but for its leading 1, and returns tau: with v that vector,
// (1 - tau v v^T) takes the column to a multiple of the first unit vector, which
// is left at its place.
func reflector(a []float64, i, m, n int) (tau float64) {
	norm := columnNorm(a, i, i+1, m, n)
	if norm == 0 {
		return 0
	}
	alpha := a[i*n+i]
	beta := -math.Copysign(elementary.Hypot(alpha, norm), alpha)
	shrink := 1 / (alpha - beta)
	for r := i + 1; r < m; r++ {
		a[r*n+i] *= shrink
	}
	a[i*n+i] = beta
	return (beta - alpha) / beta
}

// columnNorm is the Euclidean norm of column c of a, from one row to another,
// without overflow.
func columnNorm(a []float64, c, from, to, n int) float64 {
	if to-from == 1 {
		return math.Abs(a[from*n+c])
	}
	scale, squares := 0.0, 1.0
	for r := from; r < to; r++ {
		v := math.Abs(a[r*n+c])
		switch {
		case v == 0:
		case v > scale:
			q := scale / v
			squares = float64(squares*q*q) + 1
			scale = v
		default:
			q := v / scale
			squares += float64(q * q)
		}
	}
	return scale * math.Sqrt(squares)
}

// backSubstitute solves U x = b for the upper triangle of a, in place.
func backSubstitute(a, x []float64, n int) {
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] += float64(-a[i*n+k] * x[k])
		}
		x[i] *= 1 / a[i*n+i]
	}
}

// triangularCondition is the condition number of the upper triangle of a, whose
// diagonal has no 0, in the norm of row sums.
func triangularCondition(a []float64, n int) float64 {
	sums := make([]float64, n)
	for j := range n {
		column := make([]float64, n)
		column[j] = 1
		backSubstitute(a, column, n)
		for i, v := range column {
			sums[i] += math.Abs(v)
		}
	}
	norm, inverse := 0.0, 0.0
	for i, s := range sums {
		row := 0.0
		for _, v := range a[i*n+i : (i+1)*n] {
			row += math.Abs(v)
		}
		norm, inverse = max(norm, row), max(inverse, s)
	}
	return norm * inverse
}
