package encode

import (
	"iter"
	"slices"
)

// Vocabulary numbers words from 0.
type Vocabulary struct {
	Words []string
	index map[string]int
}

// NewVocabulary has the words of sentences that occur at least least times, and the
// extra ones, in alphabetical order.
func NewVocabulary(sentences iter.Seq[[]string], extra []string, least int) *Vocabulary {
	counts := map[string]int{}
	for words := range sentences {
		for _, w := range words {
			counts[w]++
		}
	}
	for _, w := range extra {
		counts[w] += least
	}
	v := &Vocabulary{}
	for w, n := range counts {
		if n >= least {
			v.Words = append(v.Words, w)
		}
	}
	slices.Sort(v.Words)
	v.number()
	return v
}

func (v *Vocabulary) number() {
	v.index = make(map[string]int, len(v.Words))
	for i, w := range v.Words {
		v.index[w] = i
	}
}

// Len is the number of words.
func (v *Vocabulary) Len() int { return len(v.Words) }

// Indices are the numbers of the known words, in order; unknown ones are left out.
func (v *Vocabulary) Indices(words []string) []int32 {
	known := make([]int32, 0, len(words))
	for _, w := range words {
		if i, ok := v.index[w]; ok {
			known = append(known, int32(i))
		}
	}
	return known
}

// Vectors are pre-trained embeddings: Data has a row of Size numbers for each word.
type Vectors struct {
	Size  int
	Words []string
	Data  []float32
}

// Embed writes the rows of pre-trained vectors for the words that they have to
// dst [Len, vectors.Size], and reports of each word whether it has one.
func (v *Vocabulary) Embed(dst []float32, vectors *Vectors) []bool {
	found := make([]bool, v.Len())
	for k, w := range vectors.Words {
		if i, ok := v.index[w]; ok {
			copy(dst[i*vectors.Size:(i+1)*vectors.Size], vectors.Data[k*vectors.Size:])
			found[i] = true
		}
	}
	return found
}
