package approx

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
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
		px, pw := make([]float64, d+1), make([]float64, d+1)
		width := h.Hi - h.Lo
		quad.Legendre{}.FixedLocations(px, pw, h.Lo+width*float64(i)/n, h.Lo+width*float64(i+1)/n)
		for k := range pw {
			pw[k] *= count
		}
		x, w = append(x, px...), append(w, pw...)
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
	a, b := mat.NewDense(len(x), d+1, nil), mat.NewVecDense(len(x), nil)
	g := f.target(iv)
	for i := range x {
		root := math.Sqrt(w[i])
		for k := range d + 1 {
			a.Set(i, k, root*chebyshev(k, iv.unit(x[i])))
		}
		b.SetVec(i, root*g(x[i]))
	}
	var qr mat.QR
	qr.Factorize(a)
	var c mat.VecDense
	if cond := qr.Cond(); !(cond <= 1e10) {
		return nil, fmt.Errorf("approx: the values lie too close together for degree %d on [%v, %v]: the fit has condition %.3g, the limit is 1e10", d, iv.Lo, iv.Hi, cond)
	}
	if err := qr.SolveVecTo(&c, false, b); err != nil {
		return nil, fmt.Errorf("approx: least squares: %w", err)
	}
	return c.RawVector().Data, nil
}
