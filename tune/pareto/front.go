package pareto

import (
	"cmp"
	"math"
	"slices"

	"qtool/internal/elementary"
)

// Front are the feasible candidates that no other one matches in both loss
// and cost, the cheapest first. Of equals the first stays.
func Front(all []Candidate) []Candidate {
	sorted := make([]Candidate, 0, len(all))
	for _, c := range all {
		if c.Feasible {
			sorted = append(sorted, c)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.Loss, b.Loss))
	})
	var front []Candidate
	for _, c := range sorted {
		if len(front) == 0 || c.Loss < front[len(front)-1].Loss {
			front = append(front, c)
		}
	}
	return front
}

// Thin leaves out points of a front until n are left, each time the one whose
// loss hurts least.
func Thin(front []Candidate, n int) []Candidate {
	front = slices.Clone(front)
	for len(front) > max(n, 0) {
		least, gains := 0, contributions(front)
		for i, g := range gains {
			if g < gains[least] {
				least = i
			}
		}
		front = slices.Delete(front, least, least+1)
	}
	return front
}

// smallestLoss keeps logarithms finite.
const smallestLoss = 1e-4

// contributions is the area that each point of a front alone dominates, with
// log2 of the cost across and log2 of the loss upwards: to halve
// either counts the same. Before the first and after the last point there is as
// much room as one halving.
func contributions(front []Candidate) []float64 {
	gains := make([]float64, len(front))
	failing := func(c Candidate) float64 { return elementary.Log2(math.Max(c.Loss, smallestLoss)) }
	for i, c := range front {
		wide, high := 1.0, 1.0
		if i+1 < len(front) {
			wide = elementary.Log2(front[i+1].Cost / c.Cost)
		}
		if i > 0 {
			high = failing(front[i-1]) - failing(c)
		}
		gains[i] = wide * high
	}
	return gains
}
