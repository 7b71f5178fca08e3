package approx

import (
	"fmt"
	"math"

	"qtool/internal/elementary"
)

// minimax gives the Chebyshev coefficients of target's best approximation by
// Remez' exchange, and a bound that no polynomial gets below.
//
// A polynomial sum c_k T_k with n coefficients is best where its error takes its
// largest magnitude, with alternating signs, at n+1 points. Each step solves
//
//	sum_k c_k T_k(t_i) + (-1)^i e = f(t_i),   i = 0..n
//
// for c and e, and takes the extrema of that error for the next points. The
// smallest magnitude at alternating points bounds the best worst error from
// below (de la Vallee-Poussin).
//
// On [-r, r] an odd or even function has an odd or even best approximation, and
// the error alternates at symmetric points, more than one set of which may be
// best. Only the T_k of that parity are fitted then, on [0, r], where they are a
// Haar system again (the odd ones vanish at 0, where the error does too): that
// removes the ambiguity and half of the work.
//
// Reference: Remez, 1934; Trefethen, "Approximation Theory and Approximation
// Practice", chapter 10.
func minimax(f *Function, d int, iv Interval) (c []float64, least float64, err error) {
	r := newExchange(f, d, iv)
	best := math.Inf(1)
	problem := fmt.Errorf("no convergence in %d exchanges", maxExchanges)
	for range maxExchanges {
		trial, err := r.solve()
		if err != nil {
			problem = err
			break
		}
		deviation := func(x float64) float64 { return clenshaw(trial, iv.unit(x)) - r.f(x) }
		peaks := alternating(extrema(deviation, r.grid))
		worst := largest(peaks)
		if worst < best {
			best, c = worst, trial
		}
		if best <= r.resolution {
			return c, 0, nil
		}
		if len(peaks) <= r.n {
			problem = fmt.Errorf("the error alternates at %d points, %d wanted", len(peaks), r.n+1)
			break
		}
		peaks = choose(peaks, r.n+1)
		least = max(least, smallest(peaks)-r.resolution)
		if best-least <= float64(1e-9*best)+2*r.resolution {
			return c, least, nil
		}
		for i, p := range peaks {
			r.reference[i] = p.x
		}
	}
	// Rounding, not the exchange, decides where the error's peaks are.
	if best <= 1024*r.resolution {
		return c, least, nil
	}
	return nil, 0, fmt.Errorf("approx: minimax of %s, degree %d on [%v, %v]: %w: the least worst error is between %v and %v", f.Name, d, iv.Lo, iv.Hi, problem, least, best)
}

const maxExchanges = 100

// exchange is the state of Remez' algorithm.
type exchange struct {
	f         func(x float64) float64
	iv        Interval
	n         int   // coefficients
	basis     []int // the k of the T_k
	degree    int
	reference []float64 // n+1 increasing points
	grid      []float64
	// resolution is what float64 cannot tell from 0 in an error.
	resolution float64
}

func newExchange(f *Function, d int, iv Interval) *exchange {
	r := &exchange{f: f.target(iv), iv: iv, degree: d}
	half := iv.symmetric()
	for k := range d + 1 {
		if !half || k%2 == f.parity {
			r.basis = append(r.basis, k)
		}
	}
	r.n = len(r.basis)
	domain := iv
	last := r.n // the extrema of T_last, cos(pi i/last), are the first reference
	if half {
		domain.Lo = 0
		last = r.basis[r.n-1] + 2
	}
	for i := r.n; i >= 0; i-- {
		r.reference = append(r.reference, iv.at(elementary.Cos(math.Pi*float64(i)/float64(last))))
	}
	if half && f.parity == 0 {
		r.reference[0] = 0
	}
	r.grid = domain.grid(f.kinks, d)
	r.resolution = 32 * 0x1p-53 * noise(f, r.grid)
	return r
}

// noise is how much a function's values move, in units of 2^-53, when they and
// their arguments are rounded: max |f| + max |x| max |f'|.
func noise(f *Function, grid []float64) float64 {
	var value, slope, at float64
	for i, x := range grid {
		y := f.Eval(x)
		value, at = math.Max(value, math.Abs(y)), math.Max(at, math.Abs(x))
		if i > 0 {
			slope = math.Max(slope, math.Abs((y-f.Eval(grid[i-1]))/(x-grid[i-1])))
		}
	}
	return value + float64(at*slope)
}

// solve fits the levelled error at the reference.
func (r *exchange) solve() ([]float64, error) {
	a, b := make([]float64, 0, (r.n+1)*(r.n+1)), make([]float64, 0, r.n+1)
	sign := 1.0
	for _, x := range r.reference {
		for _, k := range r.basis {
			a = append(a, chebyshev(k, r.iv.unit(x)))
		}
		a = append(a, sign)
		b = append(b, r.f(x))
		sign = -sign
	}
	s, err := solution(a, b)
	if err != nil {
		return nil, fmt.Errorf("reference %v: %w", r.reference, err)
	}
	c := make([]float64, r.degree+1)
	for j, k := range r.basis {
		c[k] = s[j]
	}
	return c, nil
}
