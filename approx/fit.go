package approx

import (
	"fmt"
	"math"
	"strings"

	"qtool/internal/elementary"
)

// Method is a way of fitting.
type Method string

// The methods.
const (
	// Taylor is the Taylor polynomial at the interval's centre: exact there,
	// worst at the ends.
	Taylor Method = "taylor"
	// Chebyshev interpolates at the zeros of T_{d+1} on the interval.
	Chebyshev Method = "chebyshev"
	// LeastSquares has the least mean square error, all points of the interval
	// weighing the same.
	LeastSquares Method = "leastsquares"
	// Minimax has the least worst error.
	Minimax Method = "minimax"
)

// Methods lists the methods.
func Methods() []Method { return []Method{Taylor, Chebyshev, LeastSquares, Minimax} }

// Polynomial is a fitted polynomial a_0 + a_1 x + ... + a_d x^d and how far it
// is from its function. Trailing coefficients may be 0: the fit of degree 4 to an odd
// function on [-r, r] is its fit of degree 3.
type Polynomial struct {
	Function     string
	Method       Method
	Interval     Interval
	Coefficients []float64 // a_0..a_d
	// Worst is the largest |p - f| on the interval, WorstAt where it is.
	Worst, WorstAt float64
	// RMS is the root of the mean of (p - f)^2 over the interval.
	RMS float64
	// Least is, for the minimax fit, a worst error that no polynomial of this
	// degree gets below (0 where float64 cannot tell it from 0).
	Least float64
}

// Fit approximates the named function on an interval by a polynomial of degree
// at most d, 1..MaxDegree. It returns an error that names what is unknown or
// outside its limits, and for the Taylor polynomial of a function with a kink.
func Fit(function string, m Method, d int, iv Interval) (*Polynomial, error) {
	f, err := prepare(function, d, iv)
	if err != nil {
		return nil, err
	}
	p := &Polynomial{Function: f.Name, Method: m, Interval: iv}
	var c []float64 // in Chebyshev's basis
	switch m {
	case Taylor:
		return taylor(f, d, iv)
	case Chebyshev:
		c = interpolate(f, d, iv)
	case LeastSquares:
		x, w := iv.quadrature(f.kinks)
		c, err = leastSquares(f, d, iv, x, w)
	case Minimax:
		c, p.Least, err = minimax(f, d, iv)
	default:
		return nil, fmt.Errorf("approx: method %q is unknown: want one of %s", m, strings.Join(names(Methods()), ", "))
	}
	if err != nil {
		return nil, err
	}
	if iv.symmetric() {
		for k := range c { // 0 but for rounding
			if k%2 != f.parity {
				c[k] = 0
			}
		}
	}
	return p.fromChebyshev(f, c)
}

func prepare(function string, d int, iv Interval) (*Function, error) {
	f, err := Lookup(function)
	if err != nil {
		return nil, err
	}
	if d < 1 || d > MaxDegree {
		return nil, fmt.Errorf("approx: degree %d is outside 1..%d", d, MaxDegree)
	}
	return f, iv.Validate()
}

func names(m []Method) []string {
	var s []string
	for _, x := range m {
		s = append(s, string(x))
	}
	return s
}

// Eval is the polynomial at x, rounded once.
func (p *Polynomial) Eval(x float64) float64 { return horner(p.Coefficients, x) }

// target is what is fitted in Chebyshev's basis: the function without its
// straight part where that leaves an odd or even fit, else the function.
func (f *Function) target(iv Interval) func(x float64) float64 {
	if iv.symmetric() {
		return f.centred
	}
	return f.Eval
}

// fromChebyshev completes the polynomial whose Chebyshev coefficients, of the
// target, are c: it adds the straight part again and goes over to powers of x.
func (p *Polynomial) fromChebyshev(f *Function, c []float64) (*Polynomial, error) {
	if iv := p.Interval; iv.symmetric() {
		c[0] += f.offset // T_0 = 1 and T_1 = x/r
		c[1] += float64(f.slope * iv.radius())
	}
	p.Coefficients = monomials(c, p.Interval)
	return p.finish(f, func(x float64) float64 { return clenshaw(c, p.Interval.unit(x)) })
}

// interpolate gives the Chebyshev coefficients of the interpolant at the zeros
// t_j = cos(pi (j + 1/2)/(d+1)) of T_{d+1}:
//
//	c_k = (2 - [k = 0])/(d+1) sum_j f(t_j) T_k(t_j)
//
// Reference: Trefethen, "Approximation Theory and Approximation Practice", 2013.
func interpolate(f *Function, d int, iv Interval) []float64 {
	c := make([]float64, d+1)
	g := f.target(iv)
	// cosine of m quarter turns over d+1, m reduced as an integer first
	cosine := func(m int) float64 {
		return elementary.Cos(math.Pi / 2 * float64(m%(4*(d+1))) / float64(d+1))
	}
	for j := range d + 1 {
		y := g(iv.at(cosine(2*j + 1)))
		for k := range c {
			c[k] += float64(y * cosine(k*(2*j+1)))
		}
	}
	for k := range c {
		c[k] *= 2 / float64(d+1)
	}
	c[0] /= 2
	return c
}

// maxRounding bounds what rounding the coefficients may move the polynomial by,
// times the function's largest value where that passes 1.
const maxRounding = 1e-6

// finish measures the errors of the coefficients. fitted is the same polynomial
// in the basis it was fitted in: where the powers of x cancel so much that
// float64 coefficients lose it, the fit is refused.
func (p *Polynomial) finish(f *Function, fitted func(x float64) float64) (*Polynomial, error) {
	iv, d := p.Interval, len(p.Coefficients)-1
	grid := iv.grid(f.kinks, d)
	lost, scale := 0.0, 1.0
	for _, x := range grid {
		lost = math.Max(lost, math.Abs(p.Eval(x)-fitted(x)))
		scale = math.Max(scale, math.Abs(f.Eval(x)))
	}
	if !(lost <= maxRounding*scale) {
		return nil, fmt.Errorf("approx: %s, degree %d on [%v, %v]: powers of x cancel there: float64 coefficients are off by %.3g, the limit is %.3g: take a lower degree, or an interval around 0", f.Name, d, iv.Lo, iv.Hi, lost, maxRounding*scale)
	}
	deviation := func(x float64) float64 { return p.Eval(x) - f.Eval(x) }
	p.WorstAt = iv.Lo
	for _, e := range extrema(deviation, grid) {
		if a := math.Abs(e.y); a > p.Worst {
			p.Worst, p.WorstAt = a, e.x
		}
	}
	x, w := iv.quadrature(f.kinks)
	sum := 0.0
	for i := range x {
		sum += float64(w[i] * deviation(x[i]) * deviation(x[i]))
	}
	p.RMS = math.Sqrt(sum / (iv.Hi - iv.Lo))
	return p, nil
}
