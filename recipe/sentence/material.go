// Package sentence makes what a recipe of a network that reads sentences asks for:
// the words, the network to begin with, the tasks of its trainings, its
// quantizer, and the bundle.
package sentence

import (
	"context"
	"fmt"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model"
	"qtool/model/sequence"
	"qtool/recipe"
	train "qtool/train/sequence"
)

// Material is what a recipe's trainings and its bundle are made of.
type Material struct {
	Recipe     *recipe.Recipe
	Corpus     *text.Corpus
	Vocabulary *text.Vocabulary
	// Logistic is the linear baseline, which says how telling each word is.
	Logistic *text.Logistic
	Vectors  *text.Vectors // nil for none
}

// Load reads the corpus and the vectors, and fits the linear baseline.
func Load(ctx context.Context, r *recipe.Recipe, o datasets.Options) (*Material, error) {
	m := &Material{Recipe: r}
	var err error
	if m.Corpus, err = text.Load(ctx, r.Data.Name, o); err != nil {
		return nil, err
	}
	if n := r.Data.Images; n > 0 {
		if n > len(m.Corpus.Train) {
			return nil, fmt.Errorf("recipe %s: data.images: %d, the corpus has %d training sentences", r.Name, n, len(m.Corpus.Train))
		}
		m.Corpus.Train = m.draw(n)
	}
	var known []string
	if name := r.Sentence.Vectors; name != "none" {
		if m.Vectors, err = text.LoadVectors(ctx, name, r.Sentence.Embedding, o); err != nil {
			return nil, err
		}
		known = m.Vectors.Words
	}
	m.Vocabulary = text.NewVocabulary(m.Corpus.Train, known, r.Sentence.LeastCount)
	m.Logistic = text.FitLogistic(m.Vocabulary, m.Corpus.Train, r.Seed)
	return m, nil
}

// draw is n training sentences, drawn with the recipe's seed from all of them with
// the classes in their proportions; all where there are not more.
func (m *Material) draw(n int) []text.Sentence {
	all := m.Corpus.Train
	if n >= len(all) {
		return all
	}
	labels := make([]uint8, len(all))
	for i, s := range all {
		labels[i] = s.Label
	}
	drawn := make([]text.Sentence, n)
	for k, i := range datasets.Order(labels, m.Recipe.Seed)[:n] {
		drawn[k] = all[i]
	}
	return drawn
}

// Samples selects the words of sentences.
func (m *Material) Samples(all []text.Sentence) []train.Sample {
	return train.Samples(all, m.Vocabulary, m.Recipe.Sentence.Selection, m.Logistic.Weight)
}

// Initial is the network and the parameters that training begins with.
func (m *Material) Initial() (*sequence.Network, model.Parameters, error) {
	r, n := m.Recipe.Sentence, m.Recipe.Sentence.Build()
	params, err := n.Initialise(m.Vocabulary.Len(), m.Recipe.Seed)
	if err != nil {
		return nil, nil, err
	}
	table := params[0].Data
	if m.Vectors != nil {
		rows := make([]float32, m.Vocabulary.Len()*r.Embedding)
		for w, found := range m.Vocabulary.Embed(rows, m.Vectors) {
			if found {
				copy(table[w*n.Embedding:], rows[w*r.Embedding:(w+1)*r.Embedding])
			}
		}
	}
	if r.Polarity != 0 {
		for w, weight := range m.Logistic.Weight {
			table[(w+1)*n.Embedding-1] = float32(r.Polarity) * weight
		}
	}
	return n, params, nil
}
