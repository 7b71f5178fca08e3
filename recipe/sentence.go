package recipe

import (
	"fmt"

	"qtool/datasets/text"
	"qtool/model/sequence"
	"qtool/quant"
)

// Sentence says how a network reads sentences; it stands in the place of network.
type Sentence struct {
	sequence.Network `yaml:",inline"`
	// Selection is what the client makes of a sentence in the clear.
	Selection text.Selection `yaml:"selection"`
	// Vectors are pre-trained ones: "glove", a path, or "none". Words without one
	// begin from random ones, and all are trained.
	Vectors string `yaml:"vectors"`
	// Polarity gives every vector one more number: that many times the word's weight
	// in the logistic regression on bags of words. 0 leaves it out.
	Polarity float64 `yaml:"polarity,omitempty"`
	// LeastCount is how often a training word must occur to be known; words with a
	// pre-trained vector always are.
	LeastCount int `yaml:"least_count"`
	// Dropout and WordDropout are the chances in training that a number of an input
	// or of the last state is 0, and that a word is left out.
	Dropout     float64 `yaml:"dropout"`
	WordDropout float64 `yaml:"word_dropout"`
	// WordRate, if not 0, multiplies the learning rate of the words' vectors.
	WordRate float64 `yaml:"word_rate,omitempty"`
	// Average, if not 0, trains a moving average of the parameters with that decay.
	Average float64 `yaml:"average,omitempty"`
	// CellRange is the largest |c| of a quantized cell state; Fraction the bits
	// behind the point of polynomial states.
	CellRange int `yaml:"cell_range,omitempty"`
	Fraction  int `yaml:"fraction,omitempty"`
	// KeepWords leaves the words' vectors alone in fine-tuning.
	KeepWords bool `yaml:"keep_words,omitempty"`
}

// Build is the network of the recipe's sentences.
func (s *Sentence) Build() *sequence.Network {
	n := s.Network
	n.Steps = s.Selection.Steps
	if s.Polarity != 0 {
		n.Embedding++
	}
	return &n
}

// validateSentence checks what a recipe for sentences says; the keys that only
// networks of images use must not be there.
func (r *Recipe) validateSentence() error {
	s := r.Sentence
	if !text.Known(r.Data.Name) {
		return fmt.Errorf("data.name: %q has no sentences: want one of %v", r.Data.Name, text.Names())
	}
	if len(r.Network.Input) > 0 || len(r.Network.Layers) > 0 {
		return fmt.Errorf("network: sentence stands in its place: leave one of the two out")
	}
	if r.Data.Validation != 0 {
		return fmt.Errorf("data.validation: %d, but the corpus has dev sentences of its own", r.Data.Validation)
	}
	if err := s.Selection.Validate(); err != nil {
		return fmt.Errorf("sentence.selection.%w", err)
	}
	n := s.Build()
	if err := n.Validate(); err != nil {
		return fmt.Errorf("sentence.%w", err)
	}
	for _, k := range []struct {
		name          string
		value, lo, hi float64
	}{
		{"polarity", s.Polarity, 0, 100}, {"least_count", float64(s.LeastCount), 1, 1e6},
		{"dropout", s.Dropout, 0, 0.95}, {"word_dropout", s.WordDropout, 0, 0.95},
		{"average", s.Average, 0, 0.99999}, {"word_rate", s.WordRate, 0, 100},
	} {
		if !(k.value >= k.lo && k.value <= k.hi) {
			return fmt.Errorf("sentence.%s: %v is outside %v..%v", k.name, k.value, k.lo, k.hi)
		}
	}
	if s.Vectors == "" {
		return fmt.Errorf("sentence.vectors: it is empty: want glove, none or a path")
	}
	if err := r.checkMethod(); err != nil {
		return err
	}
	if err := r.Train.Validate(); err != nil {
		return fmt.Errorf("train.%w", err)
	}
	return r.validateSentenceQuantize(n)
}

func (r *Recipe) validateSentenceQuantize(n *sequence.Network) error {
	q, s := &r.Quantize, r.Sentence
	if q.Method == "none" {
		return nil
	}
	if err := q.Config.Validate(); err != nil {
		return fmt.Errorf("quantize.%w", err)
	}
	if q.Input.Bits < 2 || q.Input.Bits > 8 {
		return fmt.Errorf("quantize.input.bits: %d is outside 2..8", q.Input.Bits)
	}
	trial := sequence.Quantizers{
		Input:      quant.Params{Scale: 0.5, Bits: quant.BitWidth(q.Input.Bits), Signed: true},
		WeightBits: quant.BitWidth(q.Weights.Bits), Output: 1, Family: Family(n),
		StateBits: quant.BitWidth(q.Activations.Bits), CellRange: s.CellRange, Fraction: s.Fraction,
	}
	for range 4 * n.Hidden {
		trial.Rows = append(trial.Rows, 1)
	}
	if err := trial.Validate(n); err != nil {
		return fmt.Errorf("quantize: %w", err)
	}
	if q.Method == "qat" {
		if err := q.Finetune.Validate(); err != nil {
			return fmt.Errorf("quantize.finetune.%w", err)
		}
		if t := q.Finetune.Teacher; t != nil && t.Checkpoint != "float" {
			return fmt.Errorf("quantize.finetune.teacher.checkpoint: %q: a network that reads sentences learns from its own float one alone", t.Checkpoint)
		}
	}
	return nil
}

// Family is the kind of integer program that a network of sentences becomes.
func Family(n *sequence.Network) string {
	switch {
	case n.Cell == sequence.Mean:
		return sequence.LinearFamily
	case n.Gates != nil:
		return sequence.PolynomialFamily
	}
	return sequence.TableFamily
}
