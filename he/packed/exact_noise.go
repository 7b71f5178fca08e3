package packed

import (
	"math"

	"qtool/he/packed/lower"
	"qtool/internal/elementary"
)

// noise sizes the chain for plaintext primes of so many bits: base, square and
// map primes such that every rescale brings the noise back to about the rounding
// of a rescale, and spareNoise bits above ten standard deviations are left at the end.
// It also predicts what is left behind every stage.
//
// A coefficient of the noise e in the phase T^-1 m + e has these deviations:
//
//	fresh      sigma
//	diagonals  t/sqrt(12) sqrt(N terms) e      their coefficients are as if uniform
//	square     2 t/sqrt(12) sqrt(N) e + t sqrt(2N) e^2
//	2^a rotations  2^a e: a sum over a group of automorphisms is a trace, which
//	           multiplies the coefficients it keeps
//	rescale    e/q and rounding sqrt((1 + 2N/3)/12)
//	switching  sqrt(N) sigma D sqrt(digits/12) / P, at most the rounding where P
//	           has as many bits as a digit
//
// Reference: Costache, Laine and Player, "Evaluating the effectiveness of
// heuristic worst-case noise analysis in FHE", ESORICS 2020.
func (p *ExactPlan) noise(bits float64) (base, square, weight int) {
	n := elementary.Exp2(float64(p.logN))
	t := elementary.Exp2(bits)
	rounding := math.Sqrt((1 + 2*n/3) / 12)
	// A key switch: sqrt(digits) sigma sqrt(N/12), and its rounding.
	switching := elementary.Hypot(math.Sqrt(float64(p.lowered.Limbs)*n/12)*errorSigma, rounding)
	grow := func(st *lower.Stage, e float64) float64 {
		terms, giants := 0, 0
		for c := range st.Map.Terms {
			terms = max(terms, len(st.Map.Terms[c]))
			giants = max(giants, len(st.Split.Giants[c]))
		}
		if st.Split.Rotates() {
			e = elementary.Hypot(e, switching)
		}
		return elementary.Hypot(t*math.Sqrt(n*float64(terms)/12)*elementary.Hypot(e, 1), math.Sqrt(float64(giants))*switching)
	}
	doubled := func(e float64, rounds []int) float64 {
		for _, a := range rounds {
			m := elementary.Exp2(float64(a))
			e = math.Sqrt(float64(m*m*e*e) + float64((m-1)*switching*switching) + float64(rounding*rounding))
		}
		return e
	}
	squared := func(e float64) float64 {
		return elementary.Hypot(2*t*math.Sqrt(n/12)*e, t*math.Sqrt(2*n)*e*e)
	}
	// The primes that bring every stage's noise back to twice the rounding.
	bitsTo := func(e float64) int { return int(math.Ceil(elementary.Log2(e / rounding))) }
	square, weight = minPrime, minPrime
	for range 3 { // the sizes depend on each other through what comes in
		e := errorSigma
		for i := range p.lowered.Stages {
			st := &p.lowered.Stages[i]
			if e = grow(st, e); st.Rescale > 0 {
				weight = max(weight, bitsTo(e))
				e = elementary.Hypot(e/elementary.Exp2(float64(weight)), rounding)
			}
			e = doubled(e, st.Rounds)
			if st.Squares() {
				f := 1.0
				if st.Layout.Fold != nil {
					f = math.Sqrt(float64(st.Layout.Cts / st.Layout.Fold.Cts))
				}
				e = f * squared(e)
				square = max(square, bitsTo(e))
				e = elementary.Hypot(e/elementary.Exp2(float64(square)), rounding)
				if st.Layout.Fold != nil {
					e = doubled(e, st.FoldRounds)
				}
			}
			base = max(p.base*minPrime, int(math.Ceil(elementary.Log2(2*10*t*e)))+spareNoise)
		}
	}
	p.predict(bits, base, square, weight, grow, doubled, squared, rounding)
	return base, square, weight
}

// spareNoise is the bits left for what the model does not see.
const spareNoise = 2

// predict fills in the budget left behind every stage.
func (p *ExactPlan) predict(bits float64, base, square, weight int, grow func(*lower.Stage, float64) float64, doubled func(float64, []int) float64, squared func(float64) float64, rounding float64) {
	p.left = nil
	logQ := func(limbs int) float64 {
		q := p.order(base, square, weight)
		sum := 0
		for _, b := range q[:limbs] {
			sum += b
		}
		return float64(sum)
	}
	e := errorSigma
	for i := range p.lowered.Stages {
		st := &p.lowered.Stages[i]
		if e = grow(st, e); st.Rescale > 0 {
			e = elementary.Hypot(e/elementary.Exp2(float64(weight)), rounding)
		}
		e = doubled(e, st.Rounds)
		limbs := st.After().Limbs
		if st.Squares() {
			f := 1.0
			if st.Layout.Fold != nil {
				f = math.Sqrt(float64(st.Layout.Cts / st.Layout.Fold.Cts))
			}
			limbs--
			e = elementary.Hypot(f*squared(e)/elementary.Exp2(float64(square)), rounding)
			if st.Layout.Fold != nil {
				e = doubled(e, st.FoldRounds)
			}
		}
		p.left = append(p.left, logQ(limbs)-1-bits-elementary.Log2(10*e))
	}
}
