package approx

import (
	"math"

	"qtool/internal/elementary"
)

// legendre appends the nodes and weights of the Gauss-Legendre rule of n points,
// 1 to MaxDegree+1, on [lo, hi] to x and w: the integral of f is about
//
//	sum_i w_i f(x_i)
//
// and exact for polynomials below degree 2n. Nodes descend.
func legendre(x, w []float64, n int, lo, hi float64) ([]float64, []float64) {
	half := legendreNodes[n-1]
	for k := range n {
		var theta, weight float64
		if j := len(half) - 1 - k; j >= 0 {
			theta, weight = half[j].theta, half[j].weight
		} else {
			j = k - n/2
			theta, weight = math.Pi-half[j].theta, half[j].weight
		}
		node := elementary.Cos(theta)
		x = append(x, float64((node+1)/2*(hi-lo))+lo)
		w = append(w, weight*(hi-lo)/2)
	}
	return x, w
}
