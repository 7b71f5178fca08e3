package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model/sequence"
	"qtool/recipe"
	"qtool/recipe/sentence"
)

// sentences is a run folder of a recipe whose network reads sentences.
type sentences struct {
	*workspace
	*sentence.Material
}

// open creates the folder, loads what the recipe needs, and writes the resolved
// recipe.
func (s *sentences) open(ctx context.Context, inherits ...string) error {
	r := s.recipe
	var err error
	if s.Material, err = sentence.Load(ctx, r, datasets.Options{Dir: s.dataDir}); err != nil {
		return err
	}
	if err := r.Verify.CheckImages(len(s.Corpus.Test), "sentences"); err != nil {
		return fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	s.data = corpusData(s.Corpus, nil)
	s.note(fmt.Sprintf("linear baseline, logistic regression on the set of words: dev %.2f %%, test %.2f %%",
		100*s.Logistic.Accuracy(s.Vocabulary, s.Corpus.Dev), 100*s.Logistic.Accuracy(s.Vocabulary, s.Corpus.Test)))
	return s.prepare(inherits...)
}

// corpusData is a corpus as a dataset of its test sentences, encoded; without an
// encoder it has none.
func corpusData(c *text.Corpus, e *text.Encoder) *datasets.Dataset {
	d := &datasets.Dataset{Name: c.Name, Classes: len(text.Labels), SHA256: c.SHA256}
	if e != nil {
		d.Shape, d.Test = e.Shape(), e.Split(c.Test)
	}
	return d
}

// initial is the network and the parameters that training begins with.
func (s *sentences) initial() (*sequence.Checkpoint, error) {
	n, params, err := s.Initial()
	if err != nil {
		return nil, err
	}
	c := &sequence.Checkpoint{Network: n, Params: params, Words: s.Vocabulary.Words, Scores: s.Logistic.Weight}
	c.Provenance, err = s.provenance("float")
	return c, err
}

// finished reads a checkpoint that an earlier, resumed run completed; nil where
// there is none.
func (s *sentences) finished(name, stage string) (*sequence.Checkpoint, error) {
	if !s.resume {
		return nil, nil
	}
	c, err := sequence.ReadCheckpoint(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	want, err := s.provenance(stage)
	if err == nil && c.Provenance != want {
		err = fmt.Errorf("%s: cannot resume: it is of %+v, this run is %+v", s.path(name), c.Provenance, want)
	}
	return c, err
}

// encoder is that of a bundle, nil for one of images.
func encoder(f *bundle.File) (*text.Encoder, error) {
	if f.Client == nil {
		return nil, nil
	}
	e, err := text.UnmarshalEncoder(f.Client)
	if err != nil {
		return nil, err
	}
	if got, want := fmt.Sprint(e.Shape()), fmt.Sprint(f.Program.Input.Shape); got != want {
		return nil, fmt.Errorf("the bundle's client makes inputs of shape %s, its program takes %s", got, want)
	}
	if got, want := uint8(e.Bits), uint8(f.Program.Input.Quantizer.Bits); got != want {
		return nil, fmt.Errorf("the bundle's client makes inputs of %d bits, its program takes %d", got, want)
	}
	return e, nil
}

// refuseSentences is for what works on images alone.
func refuseSentences(r *recipe.Recipe, what string) error {
	if r.Sentence == nil {
		return nil
	}
	return hinted{fmt.Errorf("recipe %s reads sentences: %s is for networks of images", r.Name, what), "train, quantize, run and verify-encrypted know sentences"}
}
