package material

import (
	"context"
	"fmt"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/model"
	"qtool/task"
)

// Words is what there is to the words of a corpus.
type Words struct {
	Corpus     *text.Corpus
	Vocabulary *encode.Vocabulary
	// Logistic is the linear baseline, which says how telling each word is.
	Logistic *text.Logistic
	Vectors  *encode.Vectors // pre-trained ones; nil for none
}

// loadWords reads the corpus and the vectors, and fits the linear baseline.
func (m *Material) loadWords(ctx context.Context, o datasets.Options) error {
	r := m.Recipe
	c, err := text.Load(ctx, r.Data.Name, o)
	if err != nil {
		return err
	}
	w := &Words{Corpus: c}
	m.Words = w
	if n := r.Data.Images; n > 0 {
		if err := m.enough(len(c.Train)); err != nil {
			return err
		}
		c.Train = draw(c.Train, n, r.Seed)
	}
	t := r.Data.Text
	var known []string
	if t.Vectors != "none" {
		if w.Vectors, err = text.LoadVectors(ctx, t.Vectors, r.VectorSize(), o); err != nil {
			return err
		}
		known = w.Vectors.Words
	}
	w.Vocabulary = text.NewVocabulary(c.Train, known, t.LeastCount)
	w.Logistic = text.FitLogistic(w.Vocabulary, c.Train, r.Seed)
	m.Network = m.knowing(m.Network)
	samples := func(all []text.Sentence) *datasets.Split {
		return text.Samples(all, w.Vocabulary, t.Selection, w.Logistic.Weight)
	}
	m.Train, m.Held = samples(c.Train), samples(c.Dev)
	m.Data = &datasets.Dataset{
		Name: c.Name, Shape: m.Network.Input, Classes: len(text.Labels), SHA256: c.SHA256, Train: m.Train, Test: samples(c.Test), Noun: task.Sentence,
	}
	return nil
}

// draw is n sentences, drawn with the seed from all of them with the classes in their
// proportions; all where there are not more.
func draw(all []text.Sentence, n int, seed uint64) []text.Sentence {
	if n >= len(all) {
		return all
	}
	labels := make([]uint8, len(all))
	for i, s := range all {
		labels[i] = s.Label
	}
	drawn := make([]text.Sentence, n)
	for k, i := range datasets.Order(labels, seed)[:n] {
		drawn[k] = all[i]
	}
	return drawn
}

// overwrite puts the pre-trained vectors and the words' weights in the linear baseline,
// times polarity, into the parameters p of a network.
func (w *Words) overwrite(n *model.Network, p model.Parameters, polarity float64) error {
	size := n.Layers[0].Units
	table := p[0].Data
	if polarity != 0 {
		for k, weight := range w.Logistic.Weight {
			table[(k+1)*size-1] = float32(polarity) * weight
		}
	}
	v := w.Vectors
	if v == nil {
		return nil
	}
	if own := n.Layers[0]; polarity == 0 && v.Size != size || polarity != 0 && v.Size != size-1 {
		return fmt.Errorf("layer %q (%s) has %d units, the pre-trained vectors have %d numbers", own.Name, own.Type, size, v.Size)
	}
	rows := make([]float32, w.Vocabulary.Len()*v.Size)
	for k, found := range w.Vocabulary.Embed(rows, v) {
		if found {
			copy(table[k*size:], rows[k*v.Size:(k+1)*v.Size])
		}
	}
	return nil
}
