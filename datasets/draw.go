package datasets

import (
	"cmp"
	"slices"
)

// Order is a seeded order of samples with the given labels in which every beginning
// has the classes in the proportions of the whole, nearly: sample k of the n of a
// class, in a shuffled order, goes to (k + 1/2)/n of the way.
func Order(labels []uint8, seed uint64) []int {
	order := newSource(seed, streamDraw).permutation(len(labels))
	var total, seen [256]int
	for _, l := range labels {
		total[l]++
	}
	at := make([]float64, len(labels)) // of each sample, by its index
	for _, i := range order {
		l := labels[i]
		at[i] = (float64(seen[l]) + 0.5) / float64(total[l])
		seen[l]++
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	return order
}

// Draw is n images of s, drawn with seed from all of them, with the classes in the
// proportions of s, nearly; all of s, as they stand, where there are not more. The
// images of a smaller draw are the first of a larger one. Files often have one class
// after the other, so that their first images say nothing of the rest.
// It panics if n is negative.
func (s *Split) Draw(n int, seed uint64) *Split {
	if n >= s.Len() {
		return s
	}
	return s.Subset(Order(s.Labels, seed)[:n])
}
