package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"qtool/calibrate"
	"qtool/export"
	"qtool/internal/whole"
	"qtool/pipeline/folder"
	"qtool/recipe"
	"qtool/search"
)

// overrides are what makes a point of the search's recipe: its bits; scales that
// start at the least squared error and are learned; and so many epochs. What the
// recipe says anyway is left out.
func (s *searcher) overrides(p search.Point) (sets []string) {
	q := &s.recipe.Quantize
	for i, a := range s.report.Axes {
		sets = append(sets, fmt.Sprintf("%s=%d", a.Key, p[i]))
		sets = append(sets, a.with...)
	}
	add := func(differs bool, set string) {
		if differs {
			sets = append(sets, set)
		}
	}
	add(q.Weights.Kind != "mse", "quantize.weights.observer=mse")
	if s.options.epochs == 0 {
		add(q.Method != "ptq", "quantize.method=ptq")
		add(!q.PTQ.BiasCorrection, "quantize.ptq.bias_correction=true")
		return sets
	}
	add(q.Method != "qat", "quantize.method=qat")
	add(!q.Learn.Weights, "quantize.learn.weights=true")
	add(q.Finetune.Epochs != s.options.epochs, fmt.Sprintf("quantize.finetune.epochs=%d", s.options.epochs))
	add(q.Finetune.FreezeScales >= s.options.epochs, "quantize.finetune.freeze_scales=0")
	add(q.Finetune.StartQuantization >= s.options.epochs, "quantize.finetune.start_quantization=0")
	add(q.Finetune.Warmup > float64(s.options.epochs)/2, fmt.Sprintf("quantize.finetune.warmup=%v", float64(s.options.epochs)/2))
	return sets
}

// tune fine-tunes the points of a front, each in a run folder of its own, and
// puts them into the report.
func (s *searcher) tune(ctx context.Context, front []search.Candidate) error {
	at := map[string]*searchCandidate{}
	for i := range s.report.Candidates {
		c := &s.report.Candidates[i]
		at[pointName(c.Point)] = c
	}
	var tuned []search.Candidate
	for _, c := range front {
		choice := searchChoice{searchCandidate: *at[pointName(c.Point)], Set: s.overrides(c.Point), Folder: pointFolder(c.Point)}
		if err := s.tunePoint(ctx, &choice); err != nil {
			return err
		}
		s.report.Front = append(s.report.Front, choice)
		tuned = append(tuned, s.report.worth(&searchCandidate{Point: choice.Point, Accuracy: choice.Tuned, Needs: choice.Needs}))
	}
	best := map[string]bool{}
	for _, c := range search.Front(tuned) {
		best[pointName(c.Point)] = true
	}
	for i := range s.report.Front {
		c := &s.report.Front[i]
		c.Best = best[pointName(c.Point)]
	}
	return nil
}

// tunePoint does what qtool quantize would with the point's recipe, or takes what
// an interrupted search had finished of it.
func (s *searcher) tunePoint(ctx context.Context, c *searchChoice) error {
	w, err := s.at(c.Point)
	if err != nil {
		return err
	}
	if err := w.hold(); err != nil {
		return err
	}
	defer w.leave()
	if err := s.tuneIn(ctx, w, c); err != nil {
		return err
	}
	return w.commit()
}

// tuneIn is tunePoint in the point's own folder.
func (s *searcher) tuneIn(ctx context.Context, w *workspace, c *searchChoice) error {
	encoded, err := w.recipe.Encode()
	if err != nil {
		return err
	}
	w.resume = false
	for _, dir := range []string{w.dir, filepath.Join(w.dir, folder.Unfinished)} {
		there, err := whole.Bytes(filepath.Join(dir, fileRecipe), recipe.MaxBytes)
		w.resume = w.resume || err == nil && bytes.Equal(there, encoded)
	}
	if err := w.prepare(); err != nil {
		return err
	}
	if err := w.adopt(s.path(fileFloat), s.float); err != nil {
		return err
	}
	quantized, err := w.quantize(ctx, s.float)
	if errors.Is(err, calibrate.ErrBound) {
		c.Needs, c.Reason = nil, err.Error()
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.describe(c.Point), err)
	}
	c.Needs, c.Reason = nil, ""
	f, _, err := w.export(quantized)
	if errors.Is(err, export.ErrTooWide) {
		c.Reason = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	comparison, err := integerAnswers(ctx, f.Program, s.answers, s.val)
	if err != nil {
		return err
	}
	c.Tuned = *comparison.Accuracy.Integer
	c.Needs, c.Reason, err = s.needs(ctx, f.Program)
	return err
}

// setFlags are overrides as one types them.
func setFlags(sets []string) string {
	words := make([]string, len(sets))
	for i, set := range sets {
		if strings.ContainsAny(set, " \t\n'\"\\$`*?[]{}()<>|&;!#~") {
			set = "'" + strings.ReplaceAll(set, "'", `'\''`) + "'"
		}
		words[i] = "--set " + set
	}
	return strings.Join(words, " ")
}
