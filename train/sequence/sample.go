package sequence

import (
	"math/rand/v2"
	"slices"

	"qtool/datasets/text"
	"qtool/internal/elementary"
)

// Sample is a sentence as the network sees it: the words of each step, as their
// numbers in the vocabulary.
type Sample struct {
	Steps [][]int32
	Label uint8
}

// Samples selects the words of sentences.
func Samples(sentences []text.Sentence, v *text.Vocabulary, s text.Selection, scores []float32) []Sample {
	all := make([]Sample, len(sentences))
	for i, sentence := range sentences {
		all[i] = Sample{s.Select(v.Indices(sentence.Words), scores), sentence.Label}
	}
	return all
}

// first is the first step that has a word, or the number of steps.
func (s *Sample) first() int {
	for t, words := range s.Steps {
		if len(words) > 0 {
			return t
		}
	}
	return len(s.Steps)
}

// order is the order of an epoch: random, and where short sentences save time
// batches hold sentences of about one length, by sorting within pools.
func order(samples []Sample, batch int, byLength bool, seed, epoch uint64) []int {
	const pool = 50 // batches
	// The stream's second word keeps clear of the parameters' initialisation.
	r := rand.New(rand.NewPCG(seed, 1<<32+epoch))
	all := r.Perm(len(samples))
	if !byLength {
		return all
	}
	for from := 0; from < len(all); from += pool * batch {
		slices.SortStableFunc(all[from:min(from+pool*batch, len(all))], func(a, b int) int {
			return samples[a].first() - samples[b].first()
		})
	}
	whole := len(all) / batch
	shuffled := make([]int, 0, len(all))
	for _, k := range r.Perm(whole) {
		shuffled = append(shuffled, all[k*batch:(k+1)*batch]...)
	}
	return append(shuffled, all[whole*batch:]...)
}

// Soften mixes labels with a teacher's answers:
//
//	(1-weight) label + weight sigmoid(logit / temperature)
func Soften(logits []float32, samples []Sample, weight, temperature float64) []float32 {
	soft := make([]float32, len(logits))
	for i, z := range logits {
		p := weight/(1+elementary.Exp(-float64(z)/temperature)) + float64((1-weight)*float64(samples[i].Label))
		soft[i] = float32(p)
	}
	return soft
}
