package roles

import (
	"slices"

	"qtool/he"
)

// Reading is an answer to one sample, as a client reads it.
type Reading struct {
	// Label is what class Class is called: the output that stands for the largest real.
	Label string `json:"label"`
	Class int    `json:"class"`
	// Scores are the reals that the outputs stand for, Margin the largest of them less
	// the second largest; of one output its magnitude.
	Scores []float64 `json:"scores"`
	Margin float64   `json:"margin"`
	// Undecided says that the margin lies within the error of an approximate answer.
	Undecided bool `json:"undecided"`
	// Integers are the outputs themselves, in decimal; nil where they are approximate.
	Integers []string `json:"integers,omitempty"`
}

// Read reads answers to the samples of one message.
func Read(s *he.ClientSpec, a he.Answers) []Reading {
	all := make([]Reading, a.Len())
	exact, _ := a.(he.Exact)
	approximate, near := a.(he.Approximate)
	for i := range all {
		class := a.Label(&s.Output, i)
		r := Reading{Label: s.Labels[class], Class: class, Scores: a.Outputs(&s.Output, i)}
		r.Margin = margin(r.Scores)
		r.Undecided = near && approximate.Undecided(&s.Output, i)
		if exact != nil {
			for k := range exact[i].Len() {
				r.Integers = append(r.Integers, exact[i].At(k).String())
			}
		}
		all[i] = r
	}
	return all
}

// margin is the largest score less the second largest.
func margin(scores []float64) float64 {
	if len(scores) == 1 {
		return max(scores[0], -scores[0])
	}
	s := slices.Sorted(slices.Values(scores))
	return s[len(s)-1] - s[len(s)-2]
}
