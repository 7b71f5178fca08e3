package text

import (
	"math/rand/v2"

	"qtool/encode"
	"qtool/internal/elementary"
)

// Logistic is logistic regression on the set of a sentence's words:
//
//	P(positive) = sigmoid( Bias + sum over distinct words w of Weight_w )
//
// It is the clear baseline, and |Weight| says how telling a word is.
type Logistic struct {
	Weight []float32 // one a word of the vocabulary
	Bias   float32
}

// Settings of its training, chosen on SST-2's dev sentences.
const (
	logisticEpochs = 10
	logisticRate   = 0.1
)

// FitLogistic minimises the binary cross-entropy by stochastic gradient descent
// with a linearly falling rate, sentence by sentence in orders
// drawn from seed.
func FitLogistic(v *encode.Vocabulary, train []Sentence, seed uint64) *Logistic {
	l := &Logistic{Weight: make([]float32, v.Len())}
	sets := make([][]int32, len(train))
	for i, s := range train {
		sets[i] = distinct(v.Indices(s.Words))
	}
	steps, step := logisticEpochs*len(train), 0
	for epoch := range logisticEpochs {
		for _, i := range rand.New(rand.NewPCG(seed, uint64(epoch))).Perm(len(train)) {
			rate := logisticRate * (1 - float64(step)/float64(steps))
			d := float32(rate * (float64(train[i].Label) - l.probability(sets[i])))
			l.Bias += d
			for _, w := range sets[i] {
				l.Weight[w] += d
			}
			step++
		}
	}
	return l
}

// Accuracy is the share of sentences that it labels rightly.
func (l *Logistic) Accuracy(v *encode.Vocabulary, sentences []Sentence) float64 {
	right := 0
	for _, s := range sentences {
		if (l.probability(distinct(v.Indices(s.Words))) > 0.5) == (s.Label == 1) {
			right++
		}
	}
	return float64(right) / float64(max(len(sentences), 1))
}

func (l *Logistic) probability(set []int32) float64 {
	z := float64(l.Bias)
	for _, w := range set {
		z += float64(l.Weight[w])
	}
	return 1 / (1 + elementary.Exp(-z))
}

// distinct drops repeated numbers, in place.
func distinct(words []int32) []int32 {
	kept := words[:0]
	for i, w := range words {
		repeated := false
		for _, k := range words[:i] {
			repeated = repeated || k == w
		}
		if !repeated {
			kept = append(kept, w)
		}
	}
	return kept
}
