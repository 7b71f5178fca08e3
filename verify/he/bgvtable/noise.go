package bgvtable

import (
	"math"

	"qtool/bundle"
)

// noise is the size of a tensor's error, on average: log2 of the standard
// deviation of the coefficients of V/T, where V = m + T*e.
//
// Fresh secret-key encryption has e Gaussian of standard deviation 3.2, new for
// every ciphertext, and m/T uniform in [-1/2, 1/2), which the client's data may
// make equal in all ciphertexts. Hence two parts: own is independent from element
// to element, shared is not.
//
// linear:   weights w take own times |w|_2 and shared times |w|_1; afterwards
// everything counts as shared.
//
// product:  V V' has noise T E E' sqrt(N) 2: a coefficient is a sum of N products,
// and the errors are multiples of the same secret s, which doubles the variance
// of a product and that of a square again.
//
// leaf:     a sum of b powers with coefficients up to T/2: T/2 sqrt(b) E.
//
// relinearisation: digits D of a modulus, uniform, times the key's errors, over
// P: sqrt(digits N/12) 3.2 D/P, before the division.
//
// division: by D divides by D, and adds the rounding of c_0 + c_1 s, own to each
// element: sqrt(1/12 (1 + 2N/3)). For degree-2 tensors there is c_2 s^2, of
// variance 2 (2N/3)^2 /12.
//
// The result is right as long as |V| < Q/2 for every coefficient. required asks
// for ten standard deviations, and three bits that the model may be wrong by.
type noise struct{ own, shared float64 }

const (
	// sigma is the standard deviation of a fresh error, Lattigo's default.
	sigma = 3.2
	// tailBits is log2 of ten standard deviations.
	tailBits = 3.321928094887362
	// reserveBits is what the model may be wrong by.
	reserveBits = 3
	// belowRounding is how many bits below its rounding a division leaves what
	// was there: less makes the next products noisier, more the primes longer.
	belowRounding = 0.5
	// keyBelow is how many bits the noise of relinearisation stays below the
	// product's.
	keyBelow = 4
)

func freshNoise() noise { return noise{math.Log2(sigma), math.Log2(1./12) / 2} }

// total is both parts together.
func (e noise) total() float64 { return rootSumSquare(e.own, e.shared) }

func (e noise) linear(r *bundle.Rows) noise {
	worst := math.Inf(-1)
	for o := range r.Outputs() {
		_, w := r.Row(o)
		var l1, l2 float64
		for _, x := range w {
			l1 += math.Abs(float64(x))
			l2 += float64(x) * float64(x)
		}
		worst = max(worst, rootSumSquare(e.own+math.Log2(l2)/2, e.shared+math.Log2(l1)))
	}
	// A row without weights leaves a constant, below T in size.
	return noise{math.Inf(-1), max(worst, 0)}
}

// model is what the noise depends on beside the program.
type model struct{ logN, logT float64 }

func (m model) product(a, b float64) float64 { return m.logT + a + b + m.logN/2 + 1 }

func (m model) leaf(e float64, terms int) float64 {
	return m.logT - 1 + e + math.Log2(float64(max(terms, 1)))/2
}

// rounding is what the division of a ciphertext of degree 1 adds.
func (m model) rounding() float64 { return (math.Log2(1+math.Exp2(m.logN+1)/3) - math.Log2(12)) / 2 }

// rounding2 is what the division of a degree-2 tensor adds.
func (m model) rounding2() float64 { return (1+2*(m.logN+math.Log2(2./3)))/2 - math.Log2(12)/2 }

// required is log2 of the smallest Q that carries e.
func (m model) required(e float64) float64 { return 1 + m.logT + e + tailBits + reserveBits }

// left is how many bits ten standard deviations stay below Q/2.
func (m model) left(e, logQ float64) float64 { return logQ - m.required(e) + reserveBits }

// keyTolerance is how many bits longer than P a digit may be, if the least noise
// of a product is e.
func (m model) keyTolerance(e float64, digits int) float64 {
	return e - keyBelow - math.Log2(sigma) - (math.Log2(float64(digits)/12)+m.logN)/2
}

// level says how many bits the level number step of a stage divides by, where
// the noise before it is e.
type level func(stage, step int, e float64) float64

// walk follows the noise through the stages. visit, if not nil, is told the noise
// after each stage's linear map and after the stage. product is the least noise
// of any product before it is divided.
func (m model) walk(stages []stage, trees []tree, divide level, visit func(stage int, table bool, e noise)) (e noise, product float64) {
	e, product = freshNoise(), math.Inf(1)
	tell := func(i int, table bool) {
		if visit != nil {
			visit(i, table, e)
		}
	}
	for i := range stages {
		s := &stages[i]
		if s.rows != nil {
			e = e.linear(s.rows)
		}
		tell(i, false)
		if s.table == nil {
			continue
		}
		var least float64
		e, least = m.table(e.total(), trees[i], func(step int, e float64) float64 { return divide(i, step, e) })
		product = min(product, least)
		if s.pool != nil {
			e = e.linear(s.pool)
		}
		tell(i, true)
	}
	return e, product
}

// table is the noise after a table of which x has the noise in, and the least
// noise of a product on the way.
func (m model) table(in float64, t tree, divide func(step int, e float64) float64) (out noise, least float64) {
	round := m.rounding()
	step := 0
	next := func(e float64) float64 { // what a division leaves of e
		step++
		return e - divide(step, e)
	}
	powers := m.product(in, in)
	least = powers
	rest := next(max(powers, in))
	worst := rootSumSquare(rest, round)
	for range t.baby - 1 {
		powers = m.product(worst, worst)
		least = min(least, powers)
		rest = next(powers)
		worst = max(worst, rootSumSquare(rest, round))
	}
	leaf := m.leaf(worst, 1<<t.baby)
	if t.height == 0 {
		return noise{round, next(leaf)}, least
	}
	rest = next(m.product(leaf, worst))
	for range t.height - 1 {
		worst = max(worst, rootSumSquare(rest, round))
		e := m.product(worst, worst)
		least = min(least, e)
		rest = next(rootSumSquare(e, m.rounding2()))
	}
	return noise{round, rest}, least
}

// rootSumSquare is log2 sqrt(4^a + 4^b).
func rootSumSquare(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log2(1+math.Exp2(2*(b-a)))/2
}
