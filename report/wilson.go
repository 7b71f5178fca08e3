package report

import "math"

// z95 is the 97.5 % quantile of the standard normal distribution.
const z95 = 1.959963984540054

// wilson is the 95 % score interval of a proportion of k among n:
//
//	(p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n),  p = k/n
//
// It is [0, 1] for n = 0. Unlike the normal approximation it stays inside
// [0, 1] and keeps its coverage where p is close to 1, as accuracies are.
//
// Reference: Wilson, JASA 22 (1927); Newcombe, Statistics in Medicine 17 (1998),
// method 3.
func wilson(k, n int) (lo, hi float64) {
	if n <= 0 {
		return 0, 1
	}
	p, m := float64(k)/float64(n), float64(n)
	centre := p + z95*z95/(2*m)
	half := z95 * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	scale := 1 + z95*z95/m
	return max(0, (centre-half)/scale), min(1, (centre+half)/scale)
}
