package approx

import (
	"fmt"
	"math"
)

// Histogram is how often values fell into the equal bins of [Lo, Hi].
type Histogram struct {
	Interval
	Counts []float64
}

// FitHistogram is the least-squares fit on h's interval where every point
// weighs as its bin's count, evenly within the bin: the polynomial whose mean
// square error over the observed values is least. Method is "histogram".
//
// It returns an error as Fit does, for counts that are negative, not finite or
// all zero, and for a histogram whose values lie so close together that they
// leave the polynomial undetermined.
func FitHistogram(function string, d int, h Histogram) (*Polynomial, error) {
	f, err := prepare(function, d, h.Interval)
	if err != nil {
		return nil, err
	}
	var x, w []float64
	n := float64(len(h.Counts))
	for i, count := range h.Counts {
		if !(count >= 0) || math.IsInf(count, 0) {
			return nil, fmt.Errorf("approx: histogram: count %v of bin %d is not finite and non-negative", count, i)
		}
		if count == 0 {
			continue
		}
		width, first := h.Hi-h.Lo, len(w)
		x, w = legendre(x, w, d+1, h.Lo+width*float64(i)/n, h.Lo+width*float64(i+1)/n)
		for k := range w[first:] {
			w[first+k] *= count
		}
	}
	if len(x) == 0 {
		return nil, fmt.Errorf("approx: histogram: no value lies in [%v, %v]", h.Lo, h.Hi)
	}
	c, err := leastSquares(f, d, h.Interval, x, w)
	if err != nil {
		return nil, err
	}
	p := &Polynomial{Function: f.Name, Method: MethodHistogram, Interval: h.Interval}
	return p.fromChebyshev(f, c) // every coefficient: the density need not be even
}

// MethodHistogram is the Method of FitHistogram, which Fit does not take.
const MethodHistogram Method = "histogram"

// leastSquares gives the Chebyshev coefficients that minimise
// sum w_i (p(x_i) - f(x_i))^2, by Householder's QR factorisation.
func leastSquares(f *Function, d int, iv Interval, x, w []float64) ([]float64, error) {
	a, b := make([]float64, 0, len(x)*(d+1)), make([]float64, len(x))
	g := f.target(iv)
	for i := range x {
		root := math.Sqrt(w[i])
		for k := range d + 1 {
			a = append(a, root*chebyshev(k, iv.unit(x[i])))
		}
		b[i] = root * g(x[i])
	}
	c, condition := leastSolution(a, b, d+1)
	if !(condition <= 1e10) {
		return nil, fmt.Errorf("approx: the values lie too close together for degree %d on [%v, %v]: the fit has condition %.3g, the limit is 1e10", d, iv.Lo, iv.Hi, condition)
	}
	return c, nil
}
