package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"qtool/bundle"
	"qtool/datasets/text"
	export "qtool/export/sequence"
	"qtool/model/sequence"
	qat "qtool/qat/sequence"
	train "qtool/train/sequence"
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
	if err := s.open(ctx, quantizedFiles...); err != nil {
		return err
	}
	if err := s.fits(path, float); err != nil {
		return err
	}
	if path != w.path(fileFloat) {
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
	return s.printed(c, fileQuantized, w.recipe.Quantize.Method, layerRows(f.Program, nil)...)
}

// fits refuses a checkpoint of another network or vocabulary than the recipe's.
func (s *sentences) fits(path string, c *sequence.Checkpoint) error {
	want := s.recipe.Sentence.Build()
	if have := c.Network; fmt.Sprintf("%+v", *have) != fmt.Sprintf("%+v", *want) && !sameNetwork(have, want) {
		return fmt.Errorf("%s does not fit recipe %s: its network is %+v, the recipe's %+v", path, s.recipe.Name, *have, *want)
	}
	if len(c.Words) != s.vocabulary.Len() {
		return fmt.Errorf("%s does not fit recipe %s: it has %d words, the recipe's vocabulary %d", path, s.recipe.Name, len(c.Words), s.vocabulary.Len())
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
	q, r := &s.recipe.Quantize, s.recipe.Sentence
	if c, err := s.finished(fileQuantized, q.Method); c != nil || err != nil {
		return c, err
	}
	all := s.samples(s.corpus.Train)
	z, err := qat.Start(ctx, float.Network, float.Params, qat.Config{
		WeightBits: q.Weights.Bits, InputBits: q.Input.Bits, StateBits: q.Activations.Bits, WeightKind: q.Weights.Kind,
		AccumulatorBits: q.Accumulator.Bits, CellRange: r.CellRange, Fraction: r.Fraction,
	}, all[:min(q.Images, len(all))])
	if err != nil {
		return nil, err
	}
	if q.Method == "qat" {
		task := train.Task{
			Network: float.Network, Params: float.Params, Quantizer: z, Config: q.Finetune,
			Dropout: r.Dropout, WordDropout: r.WordDropout, Average: r.Average, WordRate: r.WordRate, KeepWords: r.KeepWords,
		}
		if t := q.Finetune.Teacher; t != nil {
			// A teacher has answered the whole sentence, so nothing is left out of it.
			task.Dropout, task.WordDropout = 0, 0
			e, err := train.NewEvaluator(float.Network, float.Params, nil)
			if err != nil {
				return nil, err
			}
			defer e.Close()
			logits, err := e.Logits(ctx, all)
			if err != nil {
				return nil, err
			}
			task.Teacher = train.Soften(logits, all, t.Weight, t.Temperature)
		}
		if _, err := s.fit(ctx, "qat", task); err != nil {
			return nil, err
		}
	}
	result := z.Quantized()
	c := &sequence.Checkpoint{Network: result.Network, Params: result.Params, Words: float.Words, Scores: float.Scores, Quantizers: &result.Quantizers}
	if c.Provenance, err = s.provenance(q.Method); err != nil {
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
	e, err := export.Encoder(q, s.vocabulary, s.recipe.Sentence.Selection, s.logistic.Weight)
	if err != nil {
		return nil, err
	}
	f, err := s.file(q, e)
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
	s.data = corpusData(s.corpus, e)
	return f, f.WriteFile(s.path(fileBundle))
}

// file is the bundle without provenance: the program, what it has seen, golden
// vectors and the client's part.
func (s *sentences) file(q *sequence.Quantized, e *text.Encoder) (*bundle.File, error) {
	p, err := export.Program(q, text.Labels)
	if err != nil {
		return nil, err
	}
	seen := e.Split(s.corpus.Train[:min(observedImages, len(s.corpus.Train))])
	if err := export.Observe(p, seen); err != nil {
		return nil, err
	}
	f := &bundle.File{Program: p}
	var inputs []bundle.Vec
	for i := range min(goldenImages, seen.Len()) {
		inputs = append(inputs, p.Input.Quantize(seen.Image(i)))
	}
	if f.Golden, err = bundle.MakeGolden(p, inputs); err != nil {
		return nil, err
	}
	f.Client, err = e.MarshalBinary()
	return f, err
}
