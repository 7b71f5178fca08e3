package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"qtool/bundle"
	"qtool/model/sequence"
)

// quantizeSentences is qtool quantize of a recipe that reads sentences.
func quantizeSentences(ctx context.Context, w *workspace, o quantizeOptions) error {
	for _, f := range []struct {
		on   bool
		flag string
	}{{o.compare, "--calibration all"}, {o.explain, "--explain"}} {
		if f.on {
			return refuseSentences(w.recipe, f.flag)
		}
	}
	if w.recipe.Quantize.Method == "none" {
		return fmt.Errorf("recipe %s: quantize.method is none: its network stays in float", w.recipe.Name)
	}
	path := o.checkpoint
	if path == "" {
		path = w.path(fileFloat)
	}
	float, err := sequence.ReadCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("no float checkpoint: %w", err), "qtool train makes one, or name one with --checkpoint"}
	}
	if err != nil {
		return err
	}
	if float.Quantizers != nil {
		return fmt.Errorf("%s is quantized already: quantize starts from a float checkpoint", path)
	}
	s := &sentences{workspace: w}
	if err := s.open(ctx, floatFiles...); err != nil {
		return err
	}
	if err := s.fits(path, float); err != nil {
		return err
	}
	if !sameBytes(path, w.path(fileFloat)) {
		if err := w.forgetTraining(); err != nil {
			return err
		}
		if err := float.WriteFile(w.path(fileFloat)); err != nil {
			return err
		}
	}
	c, err := s.quantize(ctx, float)
	if err != nil {
		return err
	}
	f, err := s.export(c)
	if err != nil {
		return err
	}
	if err := s.commit(); err != nil {
		return err
	}
	return s.printed(c, fileQuantized, w.recipe.Quantize.Method, layerRows(f.Program, nil)...)
}

// fits refuses a checkpoint of another network or vocabulary than the recipe's.
func (s *sentences) fits(path string, c *sequence.Checkpoint) error {
	want := s.recipe.Sentence.Build()
	if have := c.Network; fmt.Sprintf("%+v", *have) != fmt.Sprintf("%+v", *want) && !sameNetwork(have, want) {
		return fmt.Errorf("%s does not fit recipe %s: its network is %+v, the recipe's %+v", path, s.recipe.Name, *have, *want)
	}
	if len(c.Words) != s.Vocabulary.Len() {
		return fmt.Errorf("%s does not fit recipe %s: it has %d words, the recipe's vocabulary %d", path, s.recipe.Name, len(c.Words), s.Vocabulary.Len())
	}
	return nil
}

func sameNetwork(a, b *sequence.Network) bool {
	x, y := *a, *b
	if (x.Gates == nil) != (y.Gates == nil) || x.Gates != nil && *x.Gates != *y.Gates {
		return false
	}
	x.Gates, y.Gates = nil, nil
	return x == y
}

// quantize makes the quantized checkpoint, or returns what a resumed run had
// finished of it.
func (s *sentences) quantize(ctx context.Context, float *sequence.Checkpoint) (*sequence.Checkpoint, error) {
	method := s.recipe.Quantize.Method
	if c, err := s.finished(fileQuantized, method); c != nil || err != nil {
		return c, err
	}
	all := s.Samples(s.Corpus.Train)
	z, err := s.Quantizer(ctx, float.Network, float.Params, all)
	if err != nil {
		return nil, err
	}
	if method == "qat" {
		task, err := s.FineTuning(ctx, float.Network, float.Params, z, all, s.Samples(s.Corpus.Dev))
		if err != nil {
			return nil, err
		}
		if _, err := s.fit(ctx, "qat", task); err != nil {
			return nil, err
		}
	}
	result := z.Quantized()
	c := &sequence.Checkpoint{Network: result.Network, Params: result.Params, Words: float.Words, Scores: float.Scores, Quantizers: &result.Quantizers}
	if c.Provenance, err = s.provenance(method); err != nil {
		return nil, err
	}
	return c, c.WriteFile(s.path(fileQuantized))
}

// export writes the bundle of a quantized checkpoint.
func (s *sentences) export(c *sequence.Checkpoint) (*bundle.File, error) {
	q, err := c.Quantized()
	if err != nil {
		return nil, err
	}
	f, e, err := s.File(q, observedImages, goldenImages)
	if err != nil {
		return nil, err
	}
	prov := c.Provenance
	f.Provenance = bundle.Provenance{
		Recipe: prov.Recipe, RecipeSHA256: prov.RecipeSHA256, Dataset: prov.Dataset, DatasetSHA256: prov.DatasetSHA256,
		Seed: prov.Seed, Versions: trainingVersions(),
	}
	if f.Provenance.FloatSHA256, _, err = fileSHA256(s.path(fileFloat)); err != nil {
		return nil, err
	}
	if f.Provenance.QuantizedSHA256, _, err = fileSHA256(s.path(fileQuantized)); err != nil {
		return nil, err
	}
	s.data = corpusData(s.Corpus, e)
	return f, f.WriteFile(s.path(fileBundle))
}
