package recipe

import (
	"fmt"

	"qtool/datasets/text"
	"qtool/encode"
)

// Text is what the client makes of a sentence in the clear, for a network that reads
// words.
type Text struct {
	// Selection brings a sentence to the steps that the network reads.
	Selection encode.Selection `yaml:"selection"`
	// Vectors are pre-trained ones: "glove", a path, or "none". Words without one begin from
	// random ones.
	Vectors string `yaml:"vectors"`
	// Polarity, if not 0, makes the last number of every vector begin as that many times the
	// word's weight in the logistic regression on bags of words; pre-trained vectors are one
	// shorter than the embedding then.
	Polarity float64 `yaml:"polarity,omitempty"`
	// LeastCount is how often a training word must occur to be known; words with a
	// pre-trained vector always are.
	LeastCount int `yaml:"least_count"`
}

// validate returns an error that names the key, the value and the limit.
func (t *Text) validate() error {
	if err := t.Selection.Validate(); err != nil {
		return fmt.Errorf("selection.%w", err)
	}
	switch {
	case !(t.Polarity >= 0 && t.Polarity <= 100):
		return fmt.Errorf("polarity: %v is outside 0..100", t.Polarity)
	case t.LeastCount < 1 || t.LeastCount > 1e6:
		return fmt.Errorf("least_count: %d is outside 1..1000000", t.LeastCount)
	case t.Vectors == "":
		return fmt.Errorf("vectors: it is empty: want glove, none or a path")
	}
	return nil
}

// validateWords checks what there is to a network that reads words beside its layers.
func (r *Recipe) validateWords() error {
	if !text.Known(r.Data.Name) {
		return fmt.Errorf("data.name: %q has no sentences: want one of %v", r.Data.Name, text.Names())
	}
	t := r.Data.Text
	if t == nil {
		return fmt.Errorf("data.text: the network reads words: say how sentences become steps of them")
	}
	if err := t.validate(); err != nil {
		return fmt.Errorf("data.text.%w", err)
	}
	if r.Data.Validation != 0 {
		return fmt.Errorf("data.validation: %d, but the corpus has dev sentences of its own", r.Data.Validation)
	}
	if in := r.Network.Input; len(in) > 0 && (len(in) != 1 || in[0] != t.Selection.Steps) {
		return fmt.Errorf("network.input: %v, but data.text.selection makes %d steps: leave it out", in, t.Selection.Steps)
	}
	if e := r.Network.Layers[0]; t.Polarity != 0 && t.Vectors != "none" && e.Units < 2 {
		return fmt.Errorf("data.text.polarity: %v takes the last number of a vector, and layer %q has %d", t.Polarity, e.Name, e.Units)
	}
	return nil
}

// VectorSize is the size of the pre-trained vectors that the recipe takes.
func (r *Recipe) VectorSize() int {
	n := r.reads().Layers[0].Units
	if r.Data.Text.Polarity != 0 {
		n--
	}
	return n
}
