package approx

import (
	"fmt"
	"math"

	"qtool/internal/elementary"
)

// The series are found by power series arithmetic on the differential equation
// that each function solves, term by term.

// sigmoidSeries: s' = s - s^2.
func sigmoidSeries(c float64, d int) []float64 {
	s := make([]float64, d+1)
	s[0] = sigmoid(c)
	for k := range d {
		s[k+1] = (s[k] - square(s, k)) / float64(k+1)
	}
	return s
}

// tanhSeries: t' = 1 - t^2.
func tanhSeries(c float64, d int) []float64 {
	t := make([]float64, d+1)
	t[0] = elementary.Tanh(c)
	for k := range d {
		t[k+1] = -square(t, k) / float64(k+1)
		if k == 0 {
			t[1]++
		}
	}
	return t
}

// square is coefficient k of a series squared.
func square(s []float64, k int) float64 {
	sum := 0.0
	for i := range k + 1 {
		sum += float64(s[i] * s[k-i])
	}
	return sum
}

// siluSeries: x = c + h times the sigmoid's.
func siluSeries(c float64, d int) []float64 { return timesX(sigmoidSeries(c, d), c) }

// timesX is the series of x f(x) at c, for f's series at c.
func timesX(f []float64, c float64) []float64 {
	g := make([]float64, len(f))
	for k := range f {
		g[k] = float64(c * f[k])
		if k > 0 {
			g[k] += f[k-1]
		}
	}
	return g
}

// geluSeries: Phi' = phi and phi' = -x phi.
func geluSeries(c float64, d int) []float64 {
	density, distribution := make([]float64, d+1), make([]float64, d+1)
	density[0], distribution[0] = elementary.Exp(-c*c/2)/math.Sqrt(2*math.Pi), normal(c)
	for k := range d {
		density[k+1] = float64(-c * density[k])
		if k > 0 {
			density[k+1] -= density[k-1]
		}
		density[k+1] /= float64(k + 1)
		distribution[k+1] = density[k] / float64(k+1)
	}
	return timesX(distribution, c)
}

// softplusSeries: its derivative is the sigmoid.
func softplusSeries(c float64, d int) []float64 {
	p := make([]float64, d+1)
	p[0] = softplus(c)
	for k, s := range sigmoidSeries(c, d)[:d] {
		p[k+1] = s / float64(k+1)
	}
	return p
}

// taylor is the Taylor polynomial at the interval's centre.
func taylor(f *Function, d int, iv Interval) (*Polynomial, error) {
	if f.series == nil {
		return nil, fmt.Errorf("approx: %s has no Taylor polynomial: it has a kink at %v", f.Name, f.kinks)
	}
	m := iv.centre()
	b := f.series(m, d)
	p := &Polynomial{Function: f.Name, Method: Taylor, Interval: iv, Coefficients: shifted(b, m, 1)}
	return p.finish(f, func(x float64) float64 { return horner(b, x-m) })
}
