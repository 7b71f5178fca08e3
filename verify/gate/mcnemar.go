package gate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Test says when a loss of accuracy fails: when it is larger than MinEffect (a
// fraction of all images) and so many more images are lost than gained that
// chance alone would do it with probability at most Alpha.
type Test struct {
	Alpha     float64 `json:"alpha"`
	MinEffect float64 `json:"min_effect"`
}

// DefaultTest fails a net loss of more than 0.1 point at the level of 5 %. Of
// 10,000 images a net loss of 20 then fails however it came about, up to 132
// changed answers; at 1 % it would pass from 68 on. Five losses without a gain
// are the fewest that can fail (2^-5 < 0.05 < 2^-4), so that one unlucky image
// never does, however small the test set.
var DefaultTest = Test{Alpha: 0.05, MinEffect: 0.001}

func (t Test) validate() error {
	if !(t.Alpha > 0 && t.Alpha <= 0.5) {
		return fmt.Errorf("alpha %v is outside (0, 0.5]", t.Alpha)
	}
	if !(t.MinEffect >= 0 && t.MinEffect < 1) {
		return fmt.Errorf("min_effect %v is outside [0, 1)", t.MinEffect)
	}
	return nil
}

// Rejects reports whether b images lost and c gained, of n, fail.
func (t Test) Rejects(b, c, n int) bool {
	return float64(b-c)/float64(n) > t.MinEffect && McNemar(b, c) <= t.Alpha
}

// McNemar is the probability that, of b+c images whose answers turned from right
// to wrong or from wrong to right, at least b are losses when both directions are
// equally likely:
//
//	p = P[X >= b], X ~ Binomial(b+c, 1/2)
//	  = I_{1/2}(b, c+1), the regularized incomplete beta function
//
// It is 1 for b = 0. It panics if b or c is negative.
//
// Reference: McNemar, "Note on the sampling error of the difference between
// correlated proportions or percentages", Psychometrika 12 (1947), in the exact
// one-sided form; the identity is DLMF 8.17.5.
func McNemar(b, c int) float64 {
	if b < 0 || c < 0 {
		panic(fmt.Sprintf("gate: McNemar of %d losses and %d gains", b, c))
	}
	if b == 0 {
		return 1
	}
	return math.Min(1, mathext.RegIncBeta(float64(b), float64(c+1), 0.5))
}
