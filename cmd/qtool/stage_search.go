package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"qtool/bundle"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/search"
	"qtool/verify"
	"qtool/verify/he/bgv"
	"qtool/verify/he/security"
)

// What a search may choose, and how many training images its quick quantization
// looks at.
const (
	minInputBits, minWeightBits, maxSearchBits = 1, 2, 8
	proxyImages                                = 200
)

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
	s.report = &searchReport{Schema: searchSchema, Recipe: w.recipe.Name, Seed: w.recipe.Seed, Identity: identity, Axes: searchAxes(&w.recipe.Network)}
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

// searchAxes are the numbers that a network leaves to be chosen. Whatever else a
// recipe key can vary becomes another axis here.
func searchAxes(n *model.Network) []searchAxis {
	axes := []searchAxis{{search.Axis{Name: "input", Low: minInputBits, High: maxSearchBits}, "quantize.input.bits"}}
	for _, l := range n.Layers {
		if l.Weighted() {
			axes = append(axes, searchAxis{search.Axis{Name: l.Name, Low: minWeightBits, High: maxSearchBits}, "quantize.layers." + l.Name + ".bits"})
		}
	}
	return axes
}

// testImages is how many images costs are for.
func (w *workspace) testImages() int {
	if n := w.recipe.Verify.Limit; n > 0 {
		return n
	}
	return w.data.Test.Len()
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
	all, err := search.Run(ctx, search.Task{Axes: axes, Candidates: s.options.candidates, Evaluate: s.evaluate})
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
		return nil, hinted{fmt.Errorf("none of %d candidates can be carried; %s: %s: %w", len(all), pointName(last.Point), last.Reason, bgv.ErrInsufficient), smallerHint}
	}
	if err := s.tune(ctx, front); err != nil {
		return nil, err
	}
	return s.report, s.time(ctx)
}

// time measures the machine and predicts seconds. It comes last, as nothing that
// is chosen depends on it.
func (s *searcher) time(ctx context.Context) (err error) {
	if s.report.Machine, err = bgv.MeasureSpeed(ctx); err != nil {
		return err
	}
	for i := range s.report.Front {
		if c := &s.report.Front[i]; c.Needs != nil {
			c.PredictedSeconds = c.Needs.Seconds(s.report.Machine)
		}
	}
	return nil
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
	return c.worth(), nil
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
	n, params, err := w.approximate(s.float)
	if err != nil {
		return c, err
	}
	rounded, err := w.roundOff(ctx, n, params, config, ptq.Options{BiasCorrection: true}, nil)
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
	if c.Needs, c.Reason, err = s.needs(program); err != nil || c.Needs == nil {
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
func (s *searcher) needs(p *bundle.Program) (*bgv.Prediction, string, error) {
	needs, err := bgv.Predict(p, bgv.Options{Images: s.testImages(), LogN: s.recipe.Verify.LogN})
	var insecure *security.InsecureError
	switch {
	case errors.Is(err, bgv.ErrInsufficient), errors.As(err, &insecure):
		return nil, err.Error(), nil
	case err != nil:
		return nil, "", err
	}
	return &needs, "", nil
}

// at is a point's own workspace, on the search's data.
func (s *searcher) at(p search.Point) (*workspace, error) {
	w := *s.workspace
	w.dir = s.path(pointFolder(p))
	var err error
	if w.recipe, err = s.recipe.With(s.overrides(p)); err != nil {
		return nil, err
	}
	w.network, err = w.recipe.Build()
	return &w, err
}
