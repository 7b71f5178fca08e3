package encode

import (
	"fmt"
	"slices"
)

// Selection is how the client brings a sentence to a fixed number of steps.
//
//	first     its first Steps words
//	saliency  the Steps words of the largest |score|, in their order
//	chunk     it is cut in Steps pieces of equally many words, nearly; of each, the
//	          Words words of the largest |score| (0: all) make one step together
//
// A sentence of fewer words than steps has one a step, and empty steps before.
type Selection struct {
	Kind  string `yaml:"kind" json:"kind"`
	Steps int    `yaml:"steps" json:"steps"`
	Words int    `yaml:"words,omitempty" json:"words,omitempty"`
}

// MaxSteps bounds the steps of a recurrent network.
const MaxSteps = 256

// Validate returns an error that names the key, the value and the limit.
func (s Selection) Validate() error {
	switch {
	case s.Kind != "first" && s.Kind != "saliency" && s.Kind != "chunk":
		return fmt.Errorf("kind: %q is unknown: want first, saliency or chunk", s.Kind)
	case s.Steps < 1 || s.Steps > MaxSteps:
		return fmt.Errorf("steps: %d is outside 1..%d", s.Steps, MaxSteps)
	case s.Words < 0 || s.Words > MaxSentence:
		return fmt.Errorf("words: %d is outside 0..%d", s.Words, MaxSentence)
	case s.Words > 0 && s.Kind != "chunk":
		return fmt.Errorf("words: it is for kind chunk, which is %s here", s.Kind)
	}
	return nil
}

// Select returns the words of each of the Steps steps. score is one number a word
// of the vocabulary; kind first needs none.
func (s Selection) Select(words []int32, score []float32) [][]int32 {
	steps := make([][]int32, s.Steps)
	switch n := len(words); {
	case n <= s.Steps:
		for i := range words {
			steps[s.Steps-n+i] = words[i : i+1]
		}
	case s.Kind == "first":
		for i := range steps {
			steps[i] = words[i : i+1]
		}
	case s.Kind == "saliency":
		for i, w := range salient(words, score, s.Steps) {
			steps[i] = []int32{w}
		}
	default:
		for i := range steps {
			piece := words[i*n/s.Steps : (i+1)*n/s.Steps]
			if s.Words > 0 {
				piece = salient(piece, score, s.Words)
			}
			steps[i] = piece
		}
	}
	return steps
}

// salient are the n words of the largest |score|, in their order; of equals the
// first.
func salient(words []int32, score []float32, n int) []int32 {
	if len(words) <= n {
		return words
	}
	at := make([]int, len(words))
	for i := range at {
		at[i] = i
	}
	magnitude := func(i int) float32 { return max(score[words[i]], -score[words[i]]) }
	slices.SortStableFunc(at, func(a, b int) int {
		switch x, y := magnitude(a), magnitude(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	at = at[:n]
	slices.Sort(at)
	kept := make([]int32, n)
	for i, k := range at {
		kept[i] = words[k]
	}
	return kept
}
