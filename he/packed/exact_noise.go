package packed

import (
	"math"
	"slices"

	"qtool/he/internal/log2"
	"qtool/he/packed/lower"
	"qtool/internal/elementary"
)

// noise sizes the chain for plaintext primes of so many bits: base, square and
// map primes such that every rescale brings the noise back to about the rounding
// of a rescale, and spareNoise bits above ten standard deviations are left at the end.
// budgets predicts what is left behind every stage.
//
// A coefficient of the noise e in the phase T^-1 m + e has these deviations:
//
//	fresh      sigma
//	diagonals  t/sqrt(12) sqrt(N terms) e      their coefficients are as if uniform
//	square     2 t/sqrt(12) sqrt(N) e + t sqrt(2N) e^2; a product of two likewise,
//	           of the larger e
//	2^a rotations  2^a e: a sum over a group of automorphisms is a trace, which
//	           multiplies the coefficients it keeps
//	rescale    e/q and rounding sqrt((1 + 2N/3)/12)
//	switching  sqrt(N) sigma D sqrt(digits/12) / P, at most the rounding where P
//	           has as many bits as a digit
//
// Reference: Costache, Laine and Player, "Evaluating the effectiveness of
// heuristic worst-case noise analysis in FHE", ESORICS 2020.
func (p *ExactPlan) noise(bits float64) (base, square, weight int) {
	m := newExactNoise(p, bits)
	// The primes that bring every stage's noise back to twice the rounding.
	bitsTo := func(e float64) int { return int(math.Ceil(elementary.Log2(e / m.rounding))) }
	m.square, m.weight = minPrime, minPrime
	for range 3 { // the sizes depend on each other through what comes in
		e := m.follow(
			func(e float64) { m.weight = max(m.weight, bitsTo(e)) },
			func(e float64) { m.square = max(m.square, bitsTo(e)) })
		last := e[len(e)-1]
		base = max(p.base*minPrime, int(math.Ceil(elementary.Log2(2*10*m.t*last)))+spareNoise)
	}
	return base, m.square, m.weight
}

// spareNoise is the bits left for what the model does not see.
const spareNoise = 2

// exactNoise follows the noise of a plan for plaintext primes of bits.
type exactNoise struct {
	lowered        *lower.Plan
	order          func(base, square, weight int) []int
	bits, t, n     float64
	rounding       float64  // a rescale's
	switching      float64  // a key switch's
	square, weight int      // bits of the primes that rescales drop
	q              []uint64 // the primes, once they are drawn
}

// dropped is the prime of a limb, of so many bits.
func (m *exactNoise) dropped(limb, bits int) float64 {
	if m.q != nil {
		return float64(m.q[limb])
	}
	return elementary.Exp2(float64(bits))
}

func newExactNoise(p *ExactPlan, bits float64) *exactNoise {
	n := elementary.Exp2(float64(p.logN))
	m := &exactNoise{lowered: p.lowered, order: p.order, bits: bits, t: elementary.Exp2(bits), n: n}
	m.rounding = math.Sqrt((1 + 2*n/3) / 12)
	// A key switch: sqrt(digits) sigma sqrt(N/12), and its rounding.
	m.switching = elementary.Hypot(math.Sqrt(float64(p.lowered.Limbs)*n/12)*errorSigma, m.rounding)
	return m
}

// follow is the deviation behind every stage. beforeMap and beforeSquare are called
// with what rescales behind maps and activations then divide.
func (m *exactNoise) follow(beforeMap, beforeSquare func(e float64)) []float64 {
	all := make([]float64, len(m.lowered.Stages))
	for i := range all {
		st := &m.lowered.Stages[i]
		e := 0.0 // the largest of what it reads
		for _, r := range st.Reads {
			if r.Stage == lower.Input {
				e = max(e, errorSigma)
			} else {
				e = max(e, all[r.Stage])
			}
		}
		if e = m.mapped(st, e); st.Rescale > 0 {
			beforeMap(e)
			e = elementary.Hypot(e/m.dropped(st.After().Limbs, m.weight), m.rounding)
		}
		e = m.doubled(e, st.Rounds)
		if st.Multiplies() {
			e = math.Sqrt(float64(st.Layout.Summands())) * m.squared(e)
			beforeSquare(e)
			e = elementary.Hypot(e/m.dropped(st.Exit(), m.square), m.rounding)
			if st.Layout.Fold != nil {
				e = m.doubled(e, st.FoldRounds)
			}
		}
		all[i] = e
	}
	return all
}

// mapped is e behind the products of a stage's map, at least 1 also where there are none.
func (m *exactNoise) mapped(st *lower.Stage, e float64) float64 {
	terms, giants := 0, 0
	for c := range st.Map.Terms {
		terms = max(terms, len(st.Map.Terms[c]))
		giants = max(giants, len(st.Split.Giants[c]))
	}
	if st.Split.Rotates() {
		e = elementary.Hypot(e, m.switching)
	}
	return max(1, elementary.Hypot(m.t*math.Sqrt(m.n*float64(terms)/12)*elementary.Hypot(e, 1), math.Sqrt(float64(giants))*m.switching))
}

// doubled is e behind sums over rotations.
func (m *exactNoise) doubled(e float64, rounds []int) float64 {
	for _, a := range rounds {
		k := elementary.Exp2(float64(a))
		e = math.Sqrt(float64(k*k*e*e) + float64((k-1)*m.switching*m.switching) + float64(m.rounding*m.rounding))
	}
	return e
}

// squared is e behind a product, before its rescale.
func (m *exactNoise) squared(e float64) float64 {
	return elementary.Hypot(2*m.t*math.Sqrt(m.n/12)*e, m.t*math.Sqrt(2*m.n)*e*e)
}

// budgets are the bits of noise budget left behind every stage with the primes q: log2 of
// how often ten deviations fit below the wrap-around, for the widest plaintext prime.
func (p *ExactPlan) budgets(q []uint64) []float64 {
	bits := elementary.Log2(float64(p.t[len(p.t)-1]))
	m := newExactNoise(p, bits)
	m.q = q
	none := func(float64) {}
	all := m.follow(none, none)
	for i, e := range all {
		all[i] = log2.Product(q[:m.lowered.Stages[i].Exit()]) - 1 - bits - elementary.Log2(10*e)
	}
	return all
}

// LogFailure is log2 of a bound on the probability that any noise of an evaluation of a
// sample passes the wrap-around, and so its outputs are wrong: with the least budget b of
// all stages, of which one bit is left to what the model does not see,
//
//	count exp(-x^2/2),   x = 10 2^(b-1)
//
// for as many coefficients as the ciphertexts of all stages and plaintext primes have.
func (p *ExactPlan) LogFailure() float64 {
	cts := 0
	for i := range p.lowered.Stages {
		cts += p.lowered.Stages[i].Layout.Cts
	}
	count := float64(p.logN) + elementary.Log2(float64(cts*len(p.t)))
	x := 10 * elementary.Exp2(slices.Min(p.left)-1)
	return min(0, count-float64(x*x/2*math.Log2E))
}
