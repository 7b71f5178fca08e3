// Package material makes what a recipe asks for, of images and of sentences alike: the
// samples, the network to begin with, and the bundle of a quantized one.
package material

import (
	"context"
	"fmt"
	"slices"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model"
	"qtool/recipe"
	"qtool/task"
)

// Material is what a recipe's trainings and its bundle are made of.
type Material struct {
	Recipe *recipe.Recipe
	// Network is what float training begins with. How many words its embedding has, if there
	// is one, the vocabulary says.
	Network *model.Network
	// Data are all samples as the network reads them.
	Data *datasets.Dataset
	// Train are the samples that are trained on, Held those that epochs and choices are scored
	// with: held-out images, nil for none, or the dev sentences of a corpus.
	Train, Held *datasets.Split
	Words       *Words // nil of images
}

// Load reads the data that the recipe names and checks that they and the network go
// together.
func Load(ctx context.Context, r *recipe.Recipe, o datasets.Options) (*Material, error) {
	m := &Material{Recipe: r}
	var err error
	if m.Network, err = r.Build(); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	if m.Network.ReadsWords() {
		err = m.loadWords(ctx, o)
	} else {
		err = m.loadImages(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	if err := fits(m.Data, m.Network); err != nil {
		return nil, fmt.Errorf("recipe %s: dataset %s: %w", r.Name, m.Data.Name, err)
	}
	if err := r.Verify.CheckImages(m.Data.Test.Len(), m.Unit().Many); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	return m, nil
}

// Unit is the word for one of its samples.
func (m *Material) Unit() task.Noun {
	if m.Words != nil {
		return task.Sentence
	}
	return task.Image
}

func (m *Material) loadImages(ctx context.Context, o datasets.Options) (err error) {
	if m.Data, err = datasets.Load(ctx, m.Recipe.Data.Name, o); err != nil {
		return err
	}
	pixels, err := m.Recipe.Pixels()
	if err != nil {
		return fmt.Errorf("recipe %s: %w", m.Recipe.Name, err)
	}
	m.Data.Encode(pixels)
	if err := m.enough(m.Data.Train.Len()); err != nil {
		return err
	}
	if m.Train, m.Held, err = Split(m.Data, m.Recipe); err != nil {
		return fmt.Errorf("recipe %s: %w", m.Recipe.Name, err)
	}
	return nil
}

// Split is what a recipe trains on of a dataset of images, and what it holds out, nil for
// nothing.
func Split(d *datasets.Dataset, r *recipe.Recipe) (train, held *datasets.Split, err error) {
	train = d.Train
	if n := r.Data.Images; n > 0 {
		train = train.Draw(n, r.Seed)
	}
	if n := r.Data.Validation; n > 0 {
		if train, held, err = train.Holdout(n, r.Seed); err != nil {
			return nil, nil, fmt.Errorf("data.validation: %w", err)
		}
	}
	return train, held, nil
}

// enough refuses more training samples than there are.
func (m *Material) enough(have int) error {
	r := m.Recipe
	if n := r.Data.Images; n > have {
		return fmt.Errorf("recipe %s: data.images: %d, the dataset has %d training %s", r.Name, n, have, m.Unit().Many)
	}
	return nil
}

// With is the material of another recipe on the same data: one that differs in what it
// makes of the float network.
func (m *Material) With(r *recipe.Recipe) (*Material, error) {
	other := *m
	other.Recipe = r
	var err error
	if other.Network, err = r.Build(); err != nil {
		return nil, err
	}
	other.Network = m.knowing(other.Network)
	return &other, nil
}

// Initial is a network of the recipe, its own or its teacher, as training begins with it.
func (m *Material) Initial(n *model.Network) (*model.Checkpoint, error) {
	n = m.knowing(n)
	params, err := n.Initialise(m.Recipe.Seed)
	if err != nil {
		return nil, err
	}
	if m.Words != nil {
		if err := m.Words.overwrite(n, params, m.Recipe.Data.Text.Polarity); err != nil {
			return nil, fmt.Errorf("recipe %s: %w", m.Recipe.Name, err)
		}
	}
	return m.Checkpoint(n, params), nil
}

// knowing is the network with the vocabulary's number of words, if it reads words.
func (m *Material) knowing(n *model.Network) *model.Network {
	if m.Words == nil || !n.ReadsWords() {
		return n
	}
	known := &model.Network{Input: n.Input, Layers: slices.Clone(n.Layers)}
	known.Layers[0].Words = m.Words.Vocabulary.Len()
	return known
}

// Checkpoint is a network with its parameters and, where it reads words, the vocabulary.
func (m *Material) Checkpoint(n *model.Network, p model.Parameters) *model.Checkpoint {
	c := &model.Checkpoint{Network: n, Params: p}
	if m.Words != nil {
		c.Words, c.Scores = m.Words.Vocabulary.Words, m.Words.Logistic.Weight
	}
	return c
}

// Calibration are the training samples that calibrate.
func (m *Material) Calibration() *datasets.Split {
	return m.Train.Draw(m.Recipe.Quantize.Images, m.Recipe.Seed)
}

// Labels name the classes.
func (m *Material) Labels() []string {
	if m.Words != nil {
		return text.Labels
	}
	labels := make([]string, m.Data.Classes)
	for i := range labels {
		labels[i] = fmt.Sprint(i)
	}
	return labels
}
