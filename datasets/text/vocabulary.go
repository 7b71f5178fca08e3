package text

import "qtool/encode"

// NewVocabulary has the words of the sentences that occur at least least times, and the
// extra ones, in alphabetical order.
func NewVocabulary(sentences []Sentence, extra []string, least int) *encode.Vocabulary {
	return encode.NewVocabulary(func(yield func([]string) bool) {
		for _, s := range sentences {
			if !yield(s.Words) {
				return
			}
		}
	}, extra, least)
}
