package bgv

import (
	"math"

	"qtool/bundle"
	"qtool/he/internal/log2"
	"qtool/he/internal/sample"
	"qtool/internal/elementary"
)

// noise is the size of a tensor's error, on average: log2 of the standard
// deviation of the coefficients of V/t, where V = m + t*e.
//
// Fresh secret-key encryption has e Gaussian of standard deviation 3.2, new for
// every ciphertext, and m/t uniform in [-1/2, 1/2), which the client's data may
// make equal in all ciphertexts. Hence two parts: own is independent from element
// to element, shared is not.
//
// linear:   weights w take own times |w|_2 and shared times |w|_1, and
// afterwards everything counts as shared, as rows read the same elements.
//
// power:    V^j has t^(j-1) E^j N^((j-1)/2) sqrt(j! (jd)!/d!^j). A coefficient of
// a product of polynomials is a sum of N products. The j-th power of one
// Gaussian element has E|x|^2j = j! E|x|^2 ^j at each root of unity, and so has
// s^d, whose |s(zeta)|^2 is nearly exponential: (jd)!/d!^j, where d is the power
// of s in the dominating part of the noise (secret). For a square the constants
// are 2*C(2d, d). A polynomial is the sum over its terms, with coefficients that
// are as large as t/2 once the scale is not 1.
//
// product:  of x and y as of a square, with (dx+dy)!/(dx! dy!) for the powers of s.
//
// lift:     a factor modulo t has a size of up to t/2, by which it multiplies both parts.
//
// rescale:  by a product p of primes divides by p, after which the rounding of the polynomials
// c_0..c_d, own to each element, is added: uniform errors of variance 1/12 times
// s^i, of variance i! (2N/3)^i. The last of them dominates.
//
// The result is right as long as |V| < Q/2 for every coefficient. required asks
// for ten standard deviations, and three bits that the model may be wrong by; and for
// what one root of unity does with a probability of 2^-128, see crest.
type noise struct {
	logN        float64
	logT        float64
	own, shared float64
	secret      int // power of s
	errors      int // of Gaussian elements that the noise is a product of
	scaled      bool
	logOutputs  float64 // log2 of the outputs of a batch, of all plaintext primes
}

const (
	// sigma is the standard deviation of a fresh error.
	sigma = sample.Sigma
	// tailBits is log2 of ten standard deviations.
	tailBits = 3.321928094887362
	// reserveBits is what the model may be wrong by.
	reserveBits = 3
)

func freshNoise(logN int, logT, logOutputs float64) noise {
	return noise{
		logN: float64(logN), logT: logT, errors: 1, logOutputs: logOutputs,
		own: elementary.Log2(sigma), shared: elementary.Log2(math.Sqrt(1. / 12)),
	}
}

// total is both parts together.
func (e noise) total() float64 { return log2.RootSumSquare(e.own, e.shared) }

// required is log2 of the smallest Q that carries e.
func (e noise) required() float64 {
	return 1 + e.logT + e.total() + e.crest()
}

// peak is log2 of the largest coefficient that a single root of unity zeta makes, in
// standard deviations of the noise, but for a probability 2^-bits over keys and errors.
//
// |s(zeta)|^2 and |E(zeta)|^2 of a Gaussian element are all but exponential with mean 1,
// in units of their own. Their sum passes x at one of N/2 pairs of roots with
// probability N/2 (1+x) e^-x at most, which is 2^-bits for
//
//	x = ln(N/2) + bits ln 2 + ln(1+x)
//
// |V(zeta)|^2 has the mean d! j! for d powers of s and j errors, and with that sum at
// most
//
//	x^(d+j) d^d j^j / (d+j)^(d+j)
//
// which two conjugate roots spread over all coefficients: 2/N of it in the variance, and
// twice that at the crest. While d is small that is less than ten deviations of a sum of
// many roots; a power of 8 and more is dominated by the largest, and the average over
// keys, which the model follows, is far below what a key of millions has.
func (e noise) peak(bits float64) float64 {
	d, j := float64(e.secret), float64(e.errors)
	x, least := 0.0, float64((e.logN-1+bits)*math.Ln2)
	for range 8 { // converges by a factor of x each time
		x = least + elementary.Log(1+x)
	}
	largest := float64((d+j)*elementary.Log2(x/(d+j))) + selfPower(d) + selfPower(j)
	return (largest - logFactorial(d) - logFactorial(j) + 2 - e.logN) / 2
}

// selfPower is log2(d^d).
func selfPower(d float64) float64 {
	if d == 0 {
		return 0
	}
	return float64(d * elementary.Log2(d))
}

// left is how many bits the ten standard deviations, or the peak less the reserve where
// that is more, stay below Q/2.
func (e noise) left(logQ float64) float64 { return logQ - e.required() + reserveBits }

func (e *noise) polynomial(p *bundle.Polynomial) {
	degree, in := p.Degree(), e.total()
	worst := math.Inf(-1)
	for _, row := range p.Coeffs {
		sum := 0.0 // of the terms, relative to the largest
		terms := make([]float64, 0, degree)
		for j := 1; j < row.Len(); j++ {
			size := math.Abs(row.Float(j))
			if size == 0 {
				continue
			}
			scale := elementary.Log2(size)
			if e.scaled && j < degree {
				scale = e.logT - 1
			}
			terms = append(terms, min(scale, e.logT-1)+e.power(in, j))
		}
		top := math.Inf(-1)
		for _, t := range terms {
			top = max(top, t)
		}
		for _, t := range terms {
			sum += elementary.Exp2(t - top)
		}
		worst = max(worst, top+elementary.Log2(sum))
	}
	e.own, e.shared = math.Inf(-1), worst
	e.secret *= degree
	e.errors *= degree
}

// power is the noise of V^j where V has noise in.
func (e *noise) power(in float64, j int) float64 {
	k, d := float64(j), float64(e.secret)
	moments := logFactorial(k) + logFactorial(float64(k*d)) - float64(k*logFactorial(d))
	return float64((k-1)*e.logT) + float64(k*in) + float64((k-1)*e.logN/2) + float64(moments/2)
}

// rescale divides ciphertexts of the given degree by logP bits of primes. The noise is then
// like s^degree times an error, and like what it was a product of before: the higher crest
// of the two counts, unless what is left of before is so small that its crest is lower.
func (e *noise) rescale(logP float64, degree int) {
	before := *e
	e.shared = e.total() - logP
	e.own = e.rounding(degree)
	e.secret, e.errors = degree, 1
	e.scaled = true
	if before.crest()-e.crest() > e.own-e.shared {
		e.secret, e.errors = before.secret, before.errors
	}
}

// rounding is the noise that a rescale adds:
//
//	sqrt(1/12 sum_{i<=d} i! (2N/3)^i)
func (e *noise) rounding(degree int) float64 {
	sum := math.Inf(-1)
	for i := range degree + 1 {
		variance := logFactorial(float64(i)) + float64(float64(i)*(e.logN+elementary.Log2(2./3)))
		sum = log2.RootSumSquare(sum, float64(variance/2))
	}
	return sum - float64(elementary.Log2(12)/2)
}

// logFactorial is log2(n!).
func logFactorial(n float64) float64 {
	l := elementary.LogGamma(n + 1)
	return l / math.Ln2
}
