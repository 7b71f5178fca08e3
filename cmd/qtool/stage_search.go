package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/export"
	"qtool/he/bgv"
	"qtool/model"
	"qtool/ptq"
	"qtool/search"
	"qtool/verify"
)

// proxyImages are the training images that a search's quick quantization looks at.
const proxyImages = 200

// searcher tries bits on one float network.
type searcher struct {
	*workspace
	options searchOptions
	float   *model.Checkpoint
	answers verify.Predictions // of the float network, on held-out images
	report  *searchReport
	known   map[string]searchCandidate // of an interrupted search
	bar     *patientBar
}

func newSearcher(ctx context.Context, w *workspace, float *model.Checkpoint, o searchOptions) (*searcher, error) {
	identity := searchIdentity{Images: w.val.Len(), TestImages: w.testImages(), LogN: w.recipe.Verify.LogN, Version: version, DatasetSHA256: w.data.SHA256}
	var err error
	if identity.RecipeSHA256, err = w.recipe.SHA256(); err != nil {
		return nil, err
	}
	if identity.FloatSHA256, _, err = fileSHA256(w.path(fileFloat)); err != nil {
		return nil, err
	}
	s := &searcher{workspace: w, options: o, float: float, known: map[string]searchCandidate{}}
	s.report = &searchReport{Schema: searchSchema, Recipe: w.recipe.Name, Seed: w.recipe.Seed, Identity: identity, Axes: searchAxes(w.recipe)}
	if s.tabled() {
		s.report.Chance = 1 / float64(w.data.Classes)
	}
	known, err := w.knownCandidates(identity)
	if err != nil {
		return nil, err
	}
	for _, c := range known {
		s.known[pointName(c.Point)] = c
	}
	if s.answers, err = predict(ctx, float, w.val); err != nil {
		return nil, err
	}
	ladder := verify.Ladder{Labels: w.val.Labels, Float: s.answers}
	scored, err := ladder.Compare()
	if err != nil {
		return nil, err
	}
	s.report.FloatAccuracy = *scored.Accuracy.Float
	return s, nil
}

// testImages is how many images costs are for: those that would be encrypted.
func (w *workspace) testImages() int {
	v := w.recipe.Verify
	return cmp.Or(v.EncryptedLimit, v.Limit, w.data.Test.Len())
}

// pointFolder is where a point's run is kept, below the search's folder.
func pointFolder(p search.Point) string { return filepath.Join(dirPoints, pointName(p)) }

// pointName is a point's values.
func pointName(p search.Point) string {
	words := make([]string, len(p))
	for i, v := range p {
		words[i] = strconv.Itoa(v)
	}
	return strings.Join(words, "-")
}

// run searches, fine-tunes the front and completes the report.
func (s *searcher) run(ctx context.Context) (*searchReport, error) {
	axes := make([]search.Axis, len(s.report.Axes))
	for i, a := range s.report.Axes {
		axes[i] = a.Axis
	}
	s.bar = newPatientBar(s.progress(), "search")
	all, err := search.Run(ctx, search.Task{Axes: axes, Start: searchStart(s.recipe, s.report.Axes), Candidates: s.options.candidates, Evaluate: s.evaluate})
	s.bar.end(err)
	if errors.Is(err, context.Canceled) {
		return nil, hinted{err, "finished candidates are kept; the same command with --resume goes on"}
	}
	if err != nil {
		return nil, err
	}
	front := search.Thin(search.Front(all), s.options.front)
	if len(front) == 0 {
		last := s.report.Candidates[len(s.report.Candidates)-1]
		if last.Needs != nil {
			return nil, hinted{fmt.Errorf("none of %d candidates answers better than by guessing, whose accuracy is %s", len(all), percent(s.report.Chance)), "more --candidates, or a float network that was trained for longer"}
		}
		return nil, hinted{fmt.Errorf("none of %d candidates can be carried; %s: %s: %w", len(all), pointName(last.Point), last.Reason, bgv.ErrInsufficient), s.narrowHint()}
	}
	if err := s.tune(ctx, front); err != nil {
		return nil, err
	}
	return s.report, s.time(ctx)
}

// time measures the machine and predicts seconds. It comes last, as nothing that
// is chosen depends on it. Of tables the cost model knows the machine's kernels.
func (s *searcher) time(ctx context.Context) (err error) {
	if s.tabled() {
		s.report.Machine = bgv.Speed{Workers: runtime.GOMAXPROCS(0), Factor: s.kernelFactor()}
	} else if s.report.Machine, err = bgv.MeasureSpeed(ctx); err != nil {
		return err
	}
	for i := range s.report.Front {
		if c := &s.report.Front[i]; c.Needs != nil {
			c.PredictedSeconds = c.Needs.predictedSeconds(s.report.Machine)
		}
	}
	return nil
}

// tabled reports whether the network has lookup tables.
func (s *searcher) tabled() bool {
	return slices.ContainsFunc(s.network.Layers, model.Layer.Tabled)
}

// kernelFactor is how much longer than the reference's this machine's kernels
// take, for the first point of the front that is carried.
func (s *searcher) kernelFactor() float64 {
	for _, c := range s.report.Front {
		if c.Needs != nil {
			return c.Needs.seconds / c.Needs.Work
		}
	}
	return 1
}

// evaluate says what a candidate is worth, and keeps it.
func (s *searcher) evaluate(ctx context.Context, p search.Point) (search.Candidate, error) {
	s.bar.describe(fmt.Sprintf("search: %s", s.describe(p)))
	s.bar.set(len(s.report.Candidates), s.options.candidates)
	c, ok := s.known[pointName(p)]
	if !ok {
		var err error
		if c, err = s.measure(ctx, p); err != nil {
			return search.Candidate{}, err
		}
	}
	s.report.Candidates = append(s.report.Candidates, c)
	if !ok {
		if err := s.report.writeFile(s.path(stateSearch)); err != nil {
			return search.Candidate{}, err
		}
	}
	return s.report.worth(&c), nil
}

// describe is a point in words.
func (s *searcher) describe(p search.Point) string {
	words := make([]string, len(p))
	for i, v := range p {
		words[i] = fmt.Sprintf("%s %d", s.report.Axes[i].Name, v)
	}
	return strings.Join(words, ", ")
}

// measure quantizes without training and predicts the cost.
func (s *searcher) measure(ctx context.Context, p search.Point) (searchCandidate, error) {
	c := searchCandidate{Point: p}
	w, err := s.at(p)
	if err != nil {
		return c, err
	}
	config := w.recipe.Quantize.Config
	config.Images = min(config.Images, proxyImages)
	n, params, err := w.approximate(ctx, s.float)
	if err != nil {
		return c, err
	}
	rounded, err := w.roundOff(ctx, n, params, config, ptq.Options{BiasCorrection: true}, nil)
	if errors.Is(err, calibrate.ErrBound) {
		c.Reason = err.Error()
		return c, nil
	}
	if err != nil {
		return c, err
	}
	program, err := export.Program(rounded.Quantized, classLabels(s.data.Classes))
	if errors.Is(err, export.ErrTooWide) {
		c.Reason = err.Error()
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if c.Needs, c.Reason, err = s.needs(ctx, program); err != nil || c.Needs == nil {
		return c, err
	}
	comparison, err := integerAnswers(ctx, program, s.answers, s.val)
	if err != nil {
		return c, err
	}
	c.Accuracy = *comparison.Accuracy.Integer
	return c, nil
}

// needs predicts the cost of a program, or says why nothing carries it.
func (s *searcher) needs(ctx context.Context, p *bundle.Program) (*searchNeeds, string, error) {
	return predictNeeds(ctx, p, s.recipe.Verify, s.testImages())
}

// at is a point's own workspace, on the search's data.
func (s *searcher) at(p search.Point) (*workspace, error) {
	w := *s.workspace
	w.dir, w.folder = s.path(pointFolder(p)), nil
	var err error
	if w.recipe, err = s.recipe.With(s.overrides(p)); err != nil {
		return nil, err
	}
	w.network, err = w.recipe.Build()
	return &w, err
}
