package approx

import (
	"math"
	"slices"
)

// peak is a point of a curve.
type peak struct{ x, y float64 }

// extrema finds the local extrema of |f| over an increasing grid, refined
// between the neighbouring grid points, and the grid's ends.
func extrema(f func(x float64) float64, grid []float64) []peak {
	y := make([]float64, len(grid))
	for i, x := range grid {
		y[i] = f(x)
	}
	last := len(grid) - 1
	var found []peak
	for i := range grid {
		before, after := y[max(i-1, 0)], y[min(i+1, last)]
		s := math.Copysign(1, y[i])
		switch {
		case i == 0 || i == last:
			found = append(found, peak{grid[i], y[i]})
		case s*y[i] >= s*before && s*y[i] >= s*after:
			found = append(found, refine(f, grid[i-1], peak{grid[i], y[i]}, grid[i+1]))
		}
	}
	return found
}

// refine looks for a larger |f| on either side of a grid point, by golden
// sections: the function is smooth there but may have a kink at the point.
func refine(f func(x float64) float64, lo float64, p peak, hi float64) peak {
	best := p
	for _, side := range [2][2]float64{{lo, p.x}, {p.x, hi}} {
		a, b := side[0], side[1]
		s := math.Copysign(1, p.y)
		golden := (math.Sqrt(5) - 1) / 2
		u, v := b-float64(golden*(b-a)), a+float64(golden*(b-a))
		fu, fv := s*f(u), s*f(v)
		for range 60 {
			if fu > fv {
				b, v, fv = v, u, fu
				u = b - float64(golden*(b-a))
				fu = s * f(u)
			} else {
				a, u, fu = u, v, fv
				v = a + float64(golden*(b-a))
				fv = s * f(v)
			}
		}
		if m := max(fu, fv); m > s*best.y {
			x := u
			if fv > fu {
				x = v
			}
			best = peak{x, s * m}
		}
	}
	return best
}

// alternating keeps the largest peak of every run of one sign.
func alternating(p []peak) []peak {
	var out []peak
	for _, q := range p {
		last := len(out) - 1
		switch {
		case q.y == 0:
		case last < 0 || out[last].y*q.y < 0:
			out = append(out, q)
		case math.Abs(q.y) > math.Abs(out[last].y):
			out[last] = q
		}
	}
	return out
}

// choose drops peaks until n are left that still alternate, the smallest first
// and never the largest: an end alone, an inner one with the smaller neighbour.
func choose(p []peak, n int) []peak {
	p = slices.Clone(p)
	size := func(i int) float64 { return math.Abs(p[i].y) }
	for len(p) > n {
		last := len(p) - 1
		at := 0
		for i := range p {
			if size(i) < size(at) {
				at = i
			}
		}
		switch {
		case len(p) == n+1 || at == 0 || at == last:
			if size(0) < size(last) {
				p = p[1:]
			} else {
				p = p[:last]
			}
		case size(at-1) < size(at+1):
			p = slices.Delete(p, at-1, at+1)
		default:
			p = slices.Delete(p, at, at+2)
		}
	}
	return p
}

func largest(p []peak) float64 {
	m := 0.0
	for _, q := range p {
		m = math.Max(m, math.Abs(q.y))
	}
	return m
}

func smallest(p []peak) float64 {
	m := math.Inf(1)
	for _, q := range p {
		m = math.Min(m, math.Abs(q.y))
	}
	return m
}
