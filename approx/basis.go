package approx

import (
	"math"
	"math/big"
)

// chebyshev is T_k(t) for |t| <= 1.
func chebyshev(k int, t float64) float64 {
	if k == 0 {
		return 1
	}
	a, b := 1.0, t
	for range k - 1 {
		a, b = b, float64(2*t*b)-a
	}
	return b
}

// clenshaw is sum c_k T_k(t).
func clenshaw(c []float64, t float64) float64 {
	var b1, b2 float64
	for k := len(c) - 1; k >= 1; k-- {
		b1, b2 = c[k]+float64(2*t*b1)-b2, b1
	}
	return c[0] + float64(t*b1) - b2
}

// precision is the bits of the change of basis. Its numbers stay below about
// 2^500 and above 2^-200, and the degree is at most MaxDegree.
const precision = 512

func wide(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

// monomials turns sum c_k T_k((x - centre)/radius) into powers of x.
func monomials(c []float64, iv Interval) []float64 {
	power := make([]*big.Float, len(c)) // of t
	for k := range power {
		power[k] = wide(0)
	}
	a, b := []int64{1}, []int64{0, 1} // T_k, T_k+1
	for _, x := range c {
		for j, coefficient := range a {
			term := wide(x)
			power[j].Add(power[j], term.Mul(term, wide(float64(coefficient))))
		}
		next := make([]int64, len(b)+1)
		for j := range b {
			next[j+1] += 2 * b[j]
		}
		for j := range a {
			next[j] -= a[j]
		}
		a, b = b, next
	}
	return narrow(shift(power, wide(iv.centre()), wide(iv.radius())))
}

// shifted turns sum b_j ((x - m)/h)^j into powers of x.
func shifted(b []float64, m, h float64) []float64 {
	power := make([]*big.Float, len(b))
	for j := range b {
		power[j] = wide(b[j])
	}
	return narrow(shift(power, wide(m), wide(h)))
}

// shift is Horner's scheme on polynomials: a <- a (x - m)/h + b_j.
func shift(b []*big.Float, m, h *big.Float) []*big.Float {
	a := []*big.Float{wide(0)}
	for j := len(b) - 1; j >= 0; j-- {
		next := make([]*big.Float, len(a)+1)
		for k := range next {
			next[k] = wide(0)
			if k > 0 {
				next[k].Add(next[k], a[k-1])
			}
			if k < len(a) {
				next[k].Sub(next[k], wide(0).Mul(m, a[k]))
			}
			next[k].Quo(next[k], h)
		}
		next[0].Add(next[0], b[j])
		a = next
	}
	return a[:len(b)]
}

// narrow rounds to float64; a zero has no sign.
func narrow(a []*big.Float) []float64 {
	out := make([]float64, len(a))
	for k := range a {
		if out[k], _ = a[k].Float64(); out[k] == 0 {
			out[k] = 0
		}
	}
	return out
}

// horner evaluates a polynomial as if in twice float64's precision and rounds
// once, so that the error of coefficients that cancel is the coefficients' own.
//
// Reference: Graillat, Langlois, Louvet, "Compensated Horner Scheme", 2005.
func horner(a []float64, x float64) float64 {
	var s, c float64
	for k := len(a) - 1; k >= 0; k-- {
		p := float64(s * x)
		pe := math.FMA(s, x, -p)
		t := p + a[k]
		z := t - p
		te := (p - (t - z)) + (a[k] - z)
		s, c = t, float64(c*x)+(pe+te)
	}
	return s + c
}
