package bgvlut

import (
	"math"

	"qtool/he/internal/log2"
	"qtool/he/internal/parts"
	"qtool/he/internal/sample"
	"qtool/internal/elementary"
)

// noise bounds a tensor's error: log2 of the largest |V(zeta)|/T over the 2N-th
// roots of unity zeta, where V = m + T*e. Two parts: own is independent from
// element to element, shared is not.
//
// Why there, and not in coefficients: at a root, a product of polynomials is a
// product of numbers. Where |s(zeta)| of the secret happens to be large, so is
// the rounding error of every division, and a power squares it level by level; an
// average over coefficients does not see that until it has grown past all others.
//
// Bounds are of the average case: a polynomial with independent coefficients of
// standard deviation d has |.|^2 at a root nearly exponential, of mean N d^2. So
// it stays below N d^2 tail but for a probability of e^-tail; and where two such
// polynomials meet, the product of their squares below the means' times
// (tail/2)^2, but for (1+tail) e^-tail. The tail is such that in a batch nothing exceeds
// but for a probability of 2^-129, see model.
//
// fresh:    e has d = 3.2, new for every ciphertext. m/T has d = sqrt(1/12); the
// client's data may make it equal in all ciphertexts, hence shared.
//
// linear:   weights w take own times |w|_2 and shared times |w|_1; afterwards
// everything counts as shared.
//
// product:  T E E'.
//
// leaf:     a sum of b powers with coefficients up to T/2: T/2 sqrt(b) E.
//
// masks:    two sums of which each has E give sqrt(T) 2 E, or T/sqrt(2) 2 E with exact
// ones, and sqrt(2) times that of own noise, which elements of one ciphertext share.
//
// relinearisation: digits D of a modulus, uniform, times the key's errors, over
// P: sqrt(digits) N sqrt(1/12) 3.2 D/P tail/2, before the division.
//
// division: by D divides by D, and adds the rounding of c_0 + c_1 s, own to each
// element: N sqrt(1/12 2/3) tail/2. For degree-2 tensors there is c_2 s^2.
//
// The result is right as long as all coefficients of V stay below Q/2. Those are
// averages over all roots with random phases, 1/sqrt(N) of the bound; required
// asks for as many times that as no coefficient passes but for 2^-129, see spread, which is
// more than the three bits that the model may be wrong by.
//
// Reference: Gentry, Halevi, Smart, "Homomorphic evaluation of the AES circuit",
// 2012, section 3 and appendix, for bounds in the canonical embedding.
type noise struct{ own, shared float64 }

const (
	// sigma is the standard deviation of a fresh error.
	sigma = sample.Sigma
	// reserveBits is what the model may be wrong by.
	reserveBits = 3
	// keyBelow is how many bits the noise of relinearisation stays below the
	// product's.
	keyBelow = 3
)

// total is both parts together.
func (e noise) total() float64 { return log2.Sum(e.own, e.shared) }

// noises are the noises of the buffers, as far as they are made.
type noises []noise

// linear is the noise behind rows of the given norms on parts of buffers.
func (all noises) linear(l parts.List, norms parts.Norms) noise {
	worst := math.Inf(-1)
	for _, row := range norms.Rows {
		own, shared := math.Inf(-1), math.Inf(-1)
		for k, n := range row {
			e := all[l[norms.Parts[k]].Buffer]
			own, shared = log2.RootSumSquare(own, e.own+float64(elementary.Log2(n.Square)/2)), log2.Sum(shared, e.shared+elementary.Log2(n.L1))
		}
		worst = max(worst, log2.Sum(own, shared))
	}
	// A row without weights leaves a constant, below T in size.
	return noise{math.Inf(-1), max(worst, 0)}
}

// worst is the largest noise that an element of the parts can have.
func (all noises) worst(l parts.List) noise {
	e := noise{math.Inf(-1), math.Inf(-1)}
	for _, p := range l {
		e.own, e.shared = max(e.own, all[p.Buffer].own), max(e.shared, all[p.Buffer].shared)
	}
	return e
}

// root is the bound on a polynomial of standard deviation d at the roots.
func (m model) root(d float64) float64 {
	return elementary.Log2(d) + float64((m.logN+elementary.Log2(m.tail))/2)
}

func (m model) fresh() noise { return noise{m.root(sigma), m.root(math.Sqrt(1. / 12))} }

func (m model) product(a, b float64) float64 { return m.logT + a + b }

func (m model) leaf(e float64, terms int) float64 {
	leaf := m.logT - 1 + e + float64(elementary.Log2(float64(max(terms, 1)))/2)
	if m.copies > 1 { // the coefficients have two parts of that size
		leaf += 0.5
	}
	return leaf
}

// pack is the noise of two sums that are masked and added up, see masks, if each of both
// has noise e: elements that share a ciphertext share its own noise.
func (m model) pack(e noise, table bool) noise {
	mask := m.masks[0]
	if !table {
		mask = m.masks[1]
	}
	return noise{e.own + mask + 1.5, e.shared + mask + 1}
}

// swap is the noise of a sum of which a part has its halves swapped by a key switch, whose
// own noise is at least keyBelow bits below the sum's, before it is rounded.
func (m model) swap(e noise) noise {
	return noise{log2.Sum(log2.Sum(e.own, m.rounding()), e.total()-keyBelow), e.shared}
}

// rounding is what the division of a ciphertext of degree 1 adds.
func (m model) rounding() float64 {
	return log2.Sum(m.root(math.Sqrt(1./12)), m.logN+elementary.Log2(float64(math.Sqrt(1./12*2/3)*m.tail/2)))
}

// rounding2 is what the division of a degree-2 tensor adds: the square of s and
// c_2 meet, whose squares' product is largest at thirds of the tail.
func (m model) rounding2() float64 {
	return log2.Sum(m.rounding(), float64(1.5*(m.logN+elementary.Log2(m.tail)))+elementary.Log2(math.Sqrt(1./36)*4/9))
}

// required is log2 of the smallest Q that carries e.
func (m model) required(e float64) float64 {
	return 1 + m.logT + e - float64(m.logN/2) + max(reserveBits, m.spread())
}

// left is how many bits the bound stays below Q/2.
func (m model) left(e, logQ float64) float64 { return logQ - m.required(e) + reserveBits }

// keyTolerance is how many bits longer than P a digit may be, if the least noise
// of a product is e.
func (m model) keyTolerance(e float64, digits int) float64 {
	return e - keyBelow - m.logN - elementary.Log2(sigma*m.tail/2*math.Sqrt(float64(digits)/12))
}

// level says how many bits the level number step of a round divides by.
type level func(round, step int) float64

// walk follows the noise through the stages. visit, if not nil, is told the noise
// after each stage's linear map and after the stage. product is the least noise
// of what keys switch.
func (m model) walk(stages []stage, tables []tables, divide level, visit func(stage int, table bool, e noise)) (e noise, least weakest) {
	all, least := m.start(stages), strongest()
	for i := range stages {
		least.take(m.stage(&stages[i], &tables[i], all, func(step int, _ float64) float64 { return divide(stages[i].round, step) }, func(table bool, e noise) {
			if visit != nil {
				visit(i, table, e)
			}
		}))
	}
	return all[stages[len(stages)-1].to], least
}

// weakest are the least noises of what keys switch: of products, before they are divided,
// and of what halves are swapped in.
type weakest struct{ product, swap float64 }

func strongest() weakest { return weakest{math.Inf(1), math.Inf(1)} }

func (w *weakest) take(v weakest) { w.product, w.swap = min(w.product, v.product), min(w.swap, v.swap) }

// start is the noises before the first stage.
func (m model) start(stages []stage) noises {
	all := make(noises, len(stages)+1)
	all[inputBuffer] = m.fresh()
	return all
}

// stage follows the noise through one stage into all, and tells tell, if not nil, of it
// after the linear map and after the table. It returns the least noises of what keys switch.
func (m model) stage(s *stage, t *tables, all noises, divide func(step int, e float64) float64, tell func(table bool, e noise)) weakest {
	e, least := all.worst(s.from), strongest()
	if s.rows != nil {
		e = all.linear(s.from, s.norms)
	}
	if m.copies > 1 {
		e = m.pack(e, s.table != nil)
	}
	if t.swaps {
		least.swap = e.total()
		e = m.swap(e)
	}
	if tell != nil {
		tell(false, e)
	}
	if s.table != nil {
		e, least.product = m.table(e.total(), t.tree, divide)
		if s.pool != nil {
			all[s.to] = e
			e = all.linear(parts.All(s.to, 0), s.poolNorms)
		}
		if tell != nil {
			tell(true, e)
		}
	}
	all[s.to] = e
	return least
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
	worst := log2.Sum(rest, round)
	for range t.baby - 1 {
		powers = m.product(worst, worst)
		least = min(least, powers)
		rest = next(powers)
		worst = max(worst, log2.Sum(rest, round))
	}
	leaf := m.leaf(worst, 1<<t.baby)
	if t.height == 0 {
		return noise{round, next(leaf)}, least
	}
	rest = next(log2.Sum(m.product(leaf, worst), leaf))
	for range t.height - 1 {
		worst = max(worst, log2.Sum(rest, round))
		e := m.product(worst, worst)
		least = min(least, e)
		rest = next(log2.Sum(e, m.rounding2()))
	}
	return noise{round, rest}, least
}
