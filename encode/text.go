package encode

import (
	"errors"
	"fmt"
	"math"
)

// Text encodes sentences: words are looked up, selected, and summed step by step. It
// works on integers alone, so that every machine makes the same tensor.
//
// A word has a row of Vectors, in units of 2^-Fraction of a code. Step t of the
// input is
//
//	code_td = clamp( round( sum of the step's words of Vectors_wd / 2^Fraction ), -2^(Bits-1), 2^(Bits-1)-1 )
//	byte_td = code_td + 2^(Bits-1)
//	tensor_td = byte_td / 255
//
// rounded half to even; with Mean the sum is divided by the number of words too,
// in the same rounding. An empty step is all code 0. The tensor is in units in which
// the input quantizer of a program of sentences, of scale 1/255, gives the bytes back.
type Text struct {
	Vocabulary *Vocabulary
	Selection  Selection
	Mean       bool
	Bits       int
	Fraction   int
	Dimensions int
	Vectors    []int16   // [words, Dimensions]
	Scores     []float32 // [words]; nil where the selection needs none
}

// Limits of a Text.
const (
	MaxDimensions = 1024
	MaxFraction   = 14
	maxWords      = 1 << 22
)

// Kind implements Encoder.
func (*Text) Kind() string { return KindText }

// Shape implements Encoder: it is [steps, dimensions].
func (e *Text) Shape() []int { return []int{e.Selection.Steps, e.Dimensions} }

// Validate returns an error that names the field, the value and the limit.
func (e *Text) Validate() error {
	words := e.Vocabulary.Len()
	switch {
	case words < 1 || words > maxWords:
		return fmt.Errorf("encode: text: %d words, want 1..%d", words, maxWords)
	case e.Bits < 1 || e.Bits > 8:
		return fmt.Errorf("encode: text: %d bits, want 1..8", e.Bits)
	case e.Fraction < 0 || e.Fraction > MaxFraction:
		return fmt.Errorf("encode: text: fraction of %d bits, want 0..%d", e.Fraction, MaxFraction)
	case e.Dimensions < 1 || e.Dimensions > MaxDimensions:
		return fmt.Errorf("encode: text: %d dimensions, want 1..%d", e.Dimensions, MaxDimensions)
	case len(e.Vectors) != words*e.Dimensions:
		return fmt.Errorf("encode: text: %d numbers for %d words of %d dimensions", len(e.Vectors), words, e.Dimensions)
	case e.Scores != nil && len(e.Scores) != words:
		return fmt.Errorf("encode: text: %d scores for %d words", len(e.Scores), words)
	case e.Scores == nil && e.Selection.Kind != "first" && !(e.Selection.Kind == "chunk" && e.Selection.Words == 0):
		return fmt.Errorf("encode: text: selection %q needs a score for every word", e.Selection.Kind)
	}
	for i, s := range e.Scores {
		if math.IsNaN(float64(s)) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("encode: text: score %d is %v", i, s)
		}
	}
	if err := e.Selection.Validate(); err != nil {
		return fmt.Errorf("encode: text: selection.%w", err)
	}
	return nil
}

// Encoded says what became of a sentence's words. Bytes are its tensor, times 255.
type Encoded struct {
	Bytes []byte     `json:"-"`
	Words int        `json:"words"` // of the sentence
	Known int        `json:"known"` // of them in the vocabulary
	Steps [][]string `json:"steps"` // the words of each step
}

// Errors of a sentence that says nothing.
var (
	ErrEmpty   = errors.New("the sentence has no words")
	ErrUnknown = errors.New("no word of the sentence is in the vocabulary")
)

// Encode implements Encoder: the sample is a sentence in UTF-8; see Sentence.
func (e *Text) Encode(sample []byte) ([]float32, error) {
	s, err := e.Sentence(string(sample))
	if err != nil {
		return nil, err
	}
	tensor := make([]float32, len(s.Bytes))
	for i, b := range s.Bytes {
		tensor[i] = plain[b]
	}
	return tensor, nil
}

// Sentence tokenizes a sentence and makes its bytes. Words that are not in the
// vocabulary are left out. A sentence may be of any length up to MaxSentence. It
// returns an error for one that is not UTF-8, ErrEmpty for one without words, and
// ErrUnknown for one without known words.
func (e *Text) Sentence(sentence string) (*Encoded, error) {
	words, err := Tokenize(sentence)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, ErrEmpty
	}
	known := e.Vocabulary.Indices(words)
	if len(known) == 0 {
		return nil, fmt.Errorf("%w (%d words, the first is %q)", ErrUnknown, len(words), words[0][:min(len(words[0]), 40)])
	}
	r := &Encoded{Words: len(words), Known: len(known), Bytes: make([]byte, e.Selection.Steps*e.Dimensions)}
	steps := e.Selection.Select(known, e.Scores)
	e.Steps(r.Bytes, steps)
	for _, step := range steps {
		named := []string{}
		for _, w := range step {
			named = append(named, e.Vocabulary.Words[w])
		}
		r.Steps = append(r.Steps, named)
	}
	return r, nil
}

// Steps writes the bytes of a sentence whose words are selected already, by their
// numbers in the vocabulary, to dst, which has as many as Shape says.
func (e *Text) Steps(dst []byte, steps [][]int32) {
	for t, step := range steps {
		e.step(dst[t*e.Dimensions:(t+1)*e.Dimensions], step)
	}
}

// step writes the bytes of one step.
func (e *Text) step(dst []byte, words []int32) {
	unit := int64(1) << e.Fraction
	if e.Mean {
		unit *= int64(max(len(words), 1))
	}
	half := int64(1) << (e.Bits - 1)
	for d := range dst {
		sum := int64(0)
		for _, w := range words {
			sum += int64(e.Vectors[int(w)*e.Dimensions+d])
		}
		dst[d] = uint8(min(max(divideRound(sum, unit), -half), half-1) + half)
	}
}

// divideRound is round(n/d), half to even, for d > 0.
func divideRound(n, d int64) int64 {
	q, r := n/d, n%d
	if r < 0 {
		q, r = q-1, r+d
	}
	if 2*r > d || 2*r == d && q&1 != 0 {
		q++
	}
	return q
}
