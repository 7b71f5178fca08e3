package text

import (
	"qtool/datasets"
	"qtool/encode"
)

// The words of an encoder, which datasets are cut into too.
type (
	Encoder    = encode.Text
	Encoded    = encode.Encoded
	Selection  = encode.Selection
	Vocabulary = encode.Vocabulary
	Vectors    = encode.Vectors
)

// The limits of sentences and encoders.
const (
	MaxBytes      = encode.MaxSentence
	MaxSteps      = encode.MaxSteps
	MaxFraction   = encode.MaxFraction
	MaxDimensions = encode.MaxDimensions
)

// Tokenize cuts a sentence into words; see [encode.Tokenize].
func Tokenize(s string) ([]string, error) { return encode.Tokenize(s) }

// NewVocabulary has the words of the sentences that occur at least least times, and the
// extra ones, in alphabetical order.
func NewVocabulary(sentences []Sentence, extra []string, least int) *Vocabulary {
	return encode.NewVocabulary(func(yield func([]string) bool) {
		for _, s := range sentences {
			if !yield(s.Words) {
				return
			}
		}
	}, extra, least)
}

// Split encodes labelled sentences: its images are their bytes. One without known words
// is all empty steps.
func Split(e *Encoder, sentences []Sentence) *datasets.Split {
	shape := e.Shape()
	s := &datasets.Split{Shape: shape}
	size := shape[0] * shape[1]
	s.Images = make([]uint8, len(sentences)*size)
	for i, sentence := range sentences {
		s.Labels = append(s.Labels, sentence.Label)
		e.Words(s.Images[i*size:(i+1)*size], sentence.Words)
	}
	return s
}
