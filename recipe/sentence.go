package recipe

import (
	"fmt"
	"reflect"

	"qtool/encode"
	"qtool/model"
)

// Sentence is a short form of a network that reads words, of its encoder and of some keys
// of its training and quantization. It resolves to
//
//	network.layers          an embedding, a projection, an lstm or (cell mean) a flatten,
//	                        a dropout where there is one, and a dense layer of one logit
//	data.text               selection, vectors, polarity, least_count
//	train, quantize.finetune  average, word_rate; keep_words in the second alone
//	quantize                cell_range, fraction
type Sentence struct {
	// Cell is lstm or mean, which averages the words of a sentence in one step.
	Cell string `yaml:"cell"`
	// Embedding is the size of the pre-trained vectors, Inputs what they are projected to.
	Embedding int `yaml:"embedding"`
	Inputs    int `yaml:"inputs"`
	// Hidden are the units of the LSTM; Mask and Gates see model.Layer.
	Hidden int          `yaml:"hidden,omitempty"`
	Mask   bool         `yaml:"mask,omitempty"`
	Gates  *model.Gates `yaml:"gates,omitempty"`

	Selection  encode.Selection `yaml:"selection"`
	Vectors    string           `yaml:"vectors"`
	Polarity   float64          `yaml:"polarity,omitempty"`
	LeastCount int              `yaml:"least_count"`
	// Dropout and WordDropout are the chances in training that a number of an input
	// or of the last state is 0, and that a word is left out.
	Dropout     float64 `yaml:"dropout"`
	WordDropout float64 `yaml:"word_dropout"`
	WordRate    float64 `yaml:"word_rate,omitempty"`
	Average     float64 `yaml:"average,omitempty"`
	CellRange   int     `yaml:"cell_range,omitempty"`
	Fraction    int     `yaml:"fraction,omitempty"`
	KeepWords   bool    `yaml:"keep_words,omitempty"`
}

// validate returns an error that names the key, the value and the limit.
func (s *Sentence) validate() error {
	recurrent := s.Cell == string(model.LSTM)
	switch {
	case !recurrent && s.Cell != model.Mean:
		return fmt.Errorf("cell: %q is unknown: want lstm or mean; network.layers has more", s.Cell)
	case !recurrent && (s.Hidden != 0 || s.Mask || s.Gates != nil):
		return fmt.Errorf("cell mean takes no hidden, mask or gates")
	case !recurrent && s.Selection.Steps > 1:
		return fmt.Errorf("cell mean needs one step, the selection makes %d", s.Selection.Steps)
	}
	for _, k := range []struct {
		name          string
		value, lo, hi float64
		on            bool
	}{
		{"embedding", float64(s.Embedding), 1, model.MaxUnits, true}, {"inputs", float64(s.Inputs), 1, model.MaxUnits, true},
		{"hidden", float64(s.Hidden), 1, model.MaxUnits, recurrent},
		{"dropout", s.Dropout, 0, 0.95, true}, {"word_dropout", s.WordDropout, 0, 0.95, true},
		{"average", s.Average, 0, 0.99999, true}, {"word_rate", s.WordRate, 0, 100, true},
	} {
		if k.on && !(k.value >= k.lo && k.value <= k.hi) {
			return fmt.Errorf("%s: %v is outside %v..%v", k.name, k.value, k.lo, k.hi)
		}
	}
	return s.text().validate()
}

// text is the encoder of the short form.
func (s *Sentence) text() *Text {
	return &Text{Selection: s.Selection, Vectors: s.Vectors, Polarity: s.Polarity, LeastCount: s.LeastCount}
}

// layers are the network of the short form.
func (s *Sentence) layers() []model.Layer {
	names := model.SentenceNames
	embedding := model.Layer{Type: model.Embedding, Name: names.Embedding, Units: s.Embedding, Rate: s.Dropout, WordDropout: s.WordDropout}
	if s.Polarity != 0 {
		embedding.Units++
	}
	behind := model.Layer{Type: model.LSTM, Name: names.LSTM, Units: s.Hidden, Mask: s.Mask, Gates: s.Gates}
	if s.Cell == model.Mean {
		embedding.Combine = model.Mean
		behind = model.Layer{Type: model.Flatten, Name: names.Flatten}
	}
	all := []model.Layer{embedding, {Type: model.Projection, Name: names.Projection, Units: s.Inputs}, behind}
	if s.Dropout > 0 {
		all = append(all, model.Layer{Type: model.Dropout, Name: names.Dropout, Rate: s.Dropout})
	}
	return append(all, model.Layer{Type: model.Dense, Name: names.Output, Units: 1})
}

// place is a key that the short form stands for: where it is, and what the short form says
// there.
type place struct {
	key, short string
	at         reflect.Value
	says       any
}

// places are the keys that the recipe's short form stands for.
func (r *Recipe) places() []place {
	s := r.Sentence
	at := func(p any) reflect.Value { return reflect.ValueOf(p).Elem() }
	all := []place{
		{"network", "sentence", at(&r.Network), model.Network{Layers: s.layers()}},
		{"data.text", "sentence", at(&r.Data.Text), s.text()},
		{"train.average", "sentence.average", at(&r.Train.Average), s.Average},
		{"train.word_rate", "sentence.word_rate", at(&r.Train.WordRate), s.WordRate},
		{"quantize.cell_range", "sentence.cell_range", at(&r.Quantize.CellRange), s.CellRange},
		{"quantize.fraction", "sentence.fraction", at(&r.Quantize.Fraction), s.Fraction},
	}
	if f := &r.Quantize.Finetune; r.Quantize.Method == "qat" {
		all = append(all, place{"quantize.finetune.average", "sentence.average", at(&f.Average), s.Average},
			place{"quantize.finetune.keep_words", "sentence.keep_words", at(&f.KeepWords), s.KeepWords})
		if !s.KeepWords {
			all = append(all, place{"quantize.finetune.word_rate", "sentence.word_rate", at(&f.WordRate), s.WordRate})
		}
	}
	return all
}

// expand resolves the short form, if the recipe has it. The error names a key that is given
// in both forms.
func (r *Recipe) expand() error {
	if r.Sentence == nil {
		return nil
	}
	if err := r.Sentence.validate(); err != nil {
		return fmt.Errorf("sentence.%w", err)
	}
	for _, p := range r.places() {
		says := reflect.ValueOf(p.says)
		if says.IsZero() {
			continue
		}
		given := !p.at.IsZero()
		if p.key == "network" {
			given = len(r.Network.Input) > 0 || len(r.Network.Layers) > 0
		}
		if given && !reflect.DeepEqual(p.at.Interface(), p.says) {
			return fmt.Errorf("%s: %s stands in its place: leave one of the two out", p.key, p.short)
		}
		p.at.Set(says)
	}
	return nil
}

// written is the recipe as it is written: where it has the short form, without what that
// stands for. Its parts are the recipe's own.
func (r *Recipe) written() *Recipe {
	c := *r
	if r.Sentence == nil {
		return &c
	}
	for _, p := range c.places() {
		if says := reflect.ValueOf(p.says); !says.IsZero() && reflect.DeepEqual(p.at.Interface(), p.says) {
			p.at.SetZero()
		}
	}
	return &c
}

// reads is the network that the recipe describes, in whichever form.
func (r *Recipe) reads() *model.Network {
	if r.Sentence != nil {
		return &model.Network{Layers: r.Sentence.layers()}
	}
	return &r.Network
}

// ReadsWords reports whether the recipe's network reads the words of sentences.
func (r *Recipe) ReadsWords() bool { return r.reads().ReadsWords() }
