package text

import "qtool/encode"

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
