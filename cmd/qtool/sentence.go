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
	train "qtool/train/sequence"
)

// sentences is a run folder of a recipe whose network reads sentences.
type sentences struct {
	*workspace
	corpus     *text.Corpus
	vocabulary *text.Vocabulary
	logistic   *text.Logistic
	vectors    *text.Vectors // nil for none
}

// open creates the folder, loads the corpus and the vectors, fits the linear
// baseline, which says how telling each word is, and writes the resolved recipe.
func (s *sentences) open(ctx context.Context, stale ...string) error {
	r := s.recipe
	var err error
	o := datasets.Options{Dir: s.dataDir}
	if s.corpus, err = text.Load(ctx, r.Data.Name, o); err != nil {
		return err
	}
	if n := r.Data.Images; n > 0 {
		if n > len(s.corpus.Train) {
			return fmt.Errorf("recipe %s: data.images: %d, the corpus has %d training sentences", r.Name, n, len(s.corpus.Train))
		}
		s.corpus.Train = s.corpus.Train[:n]
	}
	if n := r.Verify.Limit; n > len(s.corpus.Test) {
		return fmt.Errorf("recipe %s: verify.limit: %d, the corpus has %d test sentences", r.Name, n, len(s.corpus.Test))
	}
	var known []string
	if name := r.Sentence.Vectors; name != "none" {
		if s.vectors, err = text.LoadVectors(ctx, name, r.Sentence.Embedding, o); err != nil {
			return err
		}
		known = s.vectors.Words
	}
	s.vocabulary = text.NewVocabulary(s.corpus.Train, known, r.Sentence.LeastCount)
	s.logistic = text.FitLogistic(s.vocabulary, s.corpus.Train, r.Seed)
	s.data = corpusData(s.corpus, nil)
	s.note(fmt.Sprintf("linear baseline, logistic regression on the set of words: dev %.2f %%, test %.2f %%",
		100*s.logistic.Accuracy(s.vocabulary, s.corpus.Dev), 100*s.logistic.Accuracy(s.vocabulary, s.corpus.Test)))
	return s.prepare(stale...)
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

// samples selects the words of sentences.
func (s *sentences) samples(all []text.Sentence) []train.Sample {
	return train.Samples(all, s.vocabulary, s.recipe.Sentence.Selection, s.logistic.Weight)
}

// initial is the network and the parameters that training begins with.
func (s *sentences) initial() (*sequence.Checkpoint, error) {
	r, n := s.recipe.Sentence, s.recipe.Sentence.Build()
	params, err := n.Initialise(s.vocabulary.Len(), s.recipe.Seed)
	if err != nil {
		return nil, err
	}
	table := params[0].Data
	if s.vectors != nil {
		rows := make([]float32, s.vocabulary.Len()*r.Embedding)
		for w, found := range s.vocabulary.Embed(rows, s.vectors) {
			if found {
				copy(table[w*n.Embedding:], rows[w*r.Embedding:(w+1)*r.Embedding])
			}
		}
	}
	if r.Polarity != 0 {
		for w, weight := range s.logistic.Weight {
			table[(w+1)*n.Embedding-1] = float32(r.Polarity) * weight
		}
	}
	c := &sequence.Checkpoint{Network: n, Params: params, Words: s.vocabulary.Words, Scores: s.logistic.Weight}
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
