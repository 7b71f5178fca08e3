package tune

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"qtool/calibrate"
	"qtool/export"
	"qtool/internal/whole"
	"qtool/pipeline"
	"qtool/pipeline/folder"
	"qtool/recipe"
	"qtool/tune/pareto"
)

// overrides are what makes a point of the search's recipe: its bits; scales that
// start at the least squared error and, of images, are learned; and so many epochs. What the
// recipe says anyway is left out.
func (s *searcher) overrides(p pareto.Point) (sets []string) {
	q, words := &s.w.Recipe().Quantize, s.w.Recipe().ReadsWords()
	for i, a := range s.report.Axes {
		sets = append(sets, fmt.Sprintf("%s=%d", a.Key, p[i]))
		sets = append(sets, a.With...)
	}
	add := func(differs bool, set string) {
		if differs {
			sets = append(sets, set)
		}
	}
	add(q.Weights.Kind != "mse", "quantize.weights.observer=mse")
	if s.Epochs == 0 {
		add(q.Method != "ptq", "quantize.method=ptq")
		add(!words && !q.PTQ.BiasCorrection, "quantize.ptq.bias_correction=true")
		return sets
	}
	add(q.Method != "qat", "quantize.method=qat")
	add(!words && !q.Learn.Weights, "quantize.learn.weights=true")
	add(q.Finetune.Epochs != s.Epochs, fmt.Sprintf("quantize.finetune.epochs=%d", s.Epochs))
	add(q.Finetune.FreezeScales >= s.Epochs, "quantize.finetune.freeze_scales=0")
	add(q.Finetune.StartQuantization >= s.Epochs, "quantize.finetune.start_quantization=0")
	add(q.Finetune.Warmup > float64(s.Epochs)/2, fmt.Sprintf("quantize.finetune.warmup=%v", float64(s.Epochs)/2))
	return sets
}

// tune fine-tunes the points of a front, each in a run folder of its own, and
// puts them into the report.
func (s *searcher) tune(ctx context.Context, front []pareto.Candidate) error {
	at := map[string]*Candidate{}
	for i := range s.report.Candidates {
		c := &s.report.Candidates[i]
		at[PointName(c.Point)] = c
	}
	var tuned []pareto.Candidate
	for _, c := range front {
		choice := Choice{Candidate: *at[PointName(c.Point)], Set: s.overrides(c.Point), Folder: pointFolder(c.Point)}
		if err := s.tunePoint(ctx, &choice); err != nil {
			return err
		}
		s.report.Front = append(s.report.Front, choice)
		tuned = append(tuned, s.report.worth(&Candidate{Point: choice.Point, Accuracy: choice.Tuned, Needs: choice.Needs}))
	}
	best := map[string]bool{}
	for _, c := range pareto.Front(tuned) {
		best[PointName(c.Point)] = true
	}
	for i := range s.report.Front {
		c := &s.report.Front[i]
		c.Best = best[PointName(c.Point)]
	}
	return nil
}

// tunePoint does what qtool quantize would with the point's recipe, or takes what
// an interrupted search had finished of it.
func (s *searcher) tunePoint(ctx context.Context, c *Choice) error {
	w, _, err := s.at(c.Point)
	if err != nil {
		return err
	}
	if err := w.Hold(); err != nil {
		return err
	}
	defer w.Leave()
	if err := s.tuneIn(ctx, w, c); err != nil {
		return err
	}
	return w.Commit()
}

// tuneIn is tunePoint in the point's own folder.
func (s *searcher) tuneIn(ctx context.Context, w *pipeline.Workspace, c *Choice) error {
	encoded, err := w.Recipe().At(w.Dir).Encode()
	if err != nil {
		return err
	}
	w.Resume = false
	for _, dir := range []string{w.Dir, filepath.Join(w.Dir, folder.Unfinished)} {
		there, err := whole.Bytes(filepath.Join(dir, pipeline.FileRecipe), recipe.MaxBytes)
		w.Resume = w.Resume || err == nil && bytes.Equal(there, encoded)
	}
	if err := w.Prepare(); err != nil {
		return err
	}
	if err := w.Adopt(s.w.Path(pipeline.FileFloat), s.float); err != nil {
		return err
	}
	quantized, err := w.Quantized(ctx, s.float)
	if errors.Is(err, calibrate.ErrBound) {
		c.Needs, c.Reason = nil, err.Error()
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.describe(c.Point), err)
	}
	c.Needs, c.Reason = nil, ""
	f, _, err := w.Export(quantized)
	if errors.Is(err, export.ErrTooWide) {
		c.Reason = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	q, err := quantized.Quantized()
	if err != nil {
		return err
	}
	comparison, err := s.material.Score(ctx, q, f.Program, s.answers)
	if err != nil {
		return err
	}
	c.Tuned = *comparison.Judged(s.report.Judge()).Integer
	c.Needs, c.Reason, err = s.needs(ctx, f.Program)
	return err
}
