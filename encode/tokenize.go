package encode

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxSentence bounds one sentence: some ten thousand words.
const MaxSentence = 1 << 20

// suffixes are split off a word, as the treebank does: "isn't" is "is n't".
var suffixes = []string{"n't", "'s", "'re", "'ve", "'ll", "'d", "'m"}

// brackets are the treebank's names of them.
var brackets = map[string]string{
	"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}",
}

// Tokenize cuts a sentence, as Normalize writes it, into lower-case words as the Stanford treebank does:
// at white space, with punctuation at a word's ends apart ("..." and "--" stay
// whole) and 's, n't, 're, 've, 'll, 'd and 'm apart from the word before. What is
// tokenized already stays as it is.
//
// An empty sentence has no words. It returns an error if s is not UTF-8 or longer
// than MaxSentence.
func Tokenize(s string) ([]string, error) {
	if len(s) > MaxSentence {
		return nil, fmt.Errorf("encode: a sentence of %d bytes passes the limit of %d", len(s), MaxSentence)
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return nil, fmt.Errorf("encode: byte %d of the sentence is not UTF-8", i)
			}
		}
	}
	var words []string
	for _, field := range strings.FieldsFunc(strings.ToLower(Normalize(s)), unicode.IsSpace) {
		words = appendWords(words, field)
	}
	return words, nil
}

// appendWords cuts one field without white space.
func appendWords(words []string, field string) []string {
	if b, ok := brackets[field]; ok {
		return append(words, b)
	}
	if isSuffix(field) || isPunctuation(field) {
		return append(words, field)
	}
	runes := []rune(field)
	from, to := 0, len(runes)
	for from < to && splits(runes[from]) {
		from++
	}
	for to > from && splits(runes[to-1]) {
		to--
	}
	words = appendPunctuation(words, runes[:from])
	words = appendStem(words, string(runes[from:to]))
	return appendPunctuation(words, runes[to:])
}

// appendStem splits suffixes off a word.
func appendStem(words []string, w string) []string {
	for _, s := range suffixes {
		if stem, ok := strings.CutSuffix(w, s); ok && stem != "" {
			return append(words, stem, s)
		}
	}
	if w != "" {
		words = append(words, w)
	}
	return words
}

// appendPunctuation adds runs of one mark as a word.
func appendPunctuation(words []string, marks []rune) []string {
	for from := 0; from < len(marks); {
		to := from + 1
		for to < len(marks) && marks[to] == marks[from] && (marks[from] == '.' || marks[from] == '-' || marks[from] == '\'' || marks[from] == '`') {
			to++
		}
		words = append(words, string(marks[from:to]))
		from = to
	}
	return words
}

func isSuffix(w string) bool {
	for _, s := range suffixes {
		if w == s {
			return true
		}
	}
	return false
}

// splits are the marks that are taken off a word's ends, emoji among them.
func splits(r rune) bool {
	return strings.ContainsRune(`.,;:!?"()[]{}`, r) || r >= 0x80 && unicode.In(r, unicode.So, unicode.Sk)
}

// isPunctuation says that no letter or digit is in w, which is one mark then.
func isPunctuation(w string) bool {
	marks := []rune(w)
	for _, r := range marks {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r != marks[0] {
			return false
		}
	}
	return true
}
