package tune

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
	"qtool/he"
	"qtool/he/bgv"
	"qtool/internal/hint"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/pipeline"
	"qtool/ptq"
	"qtool/task"
	"qtool/tune/pareto"
	"qtool/verify"
)

// proxyImages are the training images that a search's quick quantization looks at.
const proxyImages = 200

// searcher tries bits on one float network.
type searcher struct {
	Options
	w        *pipeline.Workspace
	material *pipeline.Material
	float    *model.Checkpoint
	answers  verify.Predictions // of the float network, on held-out images
	report   *Report
	known    map[string]Candidate // of an interrupted search
	bar      pipeline.Bar
}

func newSearcher(ctx context.Context, w *pipeline.Workspace, m *pipeline.Material, float *model.Checkpoint, o Options) (*searcher, error) {
	r := w.Recipe()
	s := &searcher{Options: o, w: w, material: m, float: float, known: map[string]Candidate{}}
	identity := Identity{Images: m.Held.Len(), TestImages: s.testImages(), LogN: r.Verify.LogN, Version: pipeline.Version, DatasetSHA256: w.Data().SHA256}
	var err error
	if identity.RecipeSHA256, err = r.SHA256(); err != nil {
		return nil, err
	}
	if identity.FloatSHA256, _, err = whole.SHA256(w.Path(pipeline.FileFloat)); err != nil {
		return nil, err
	}
	s.report = &Report{Schema: schema, Recipe: r.Name, Seed: r.Seed, Identity: identity, Axes: axesOf(r), Noun: w.Data().Unit().One}
	asked := w.Task()
	if m := asked.Metric(); m != task.Accuracy {
		s.report.Metric = m.Name
	}
	if s.tables() && asked.Kind == task.Classification {
		s.report.Chance = 1 / float64(w.Data().Classes)
	}
	known, err := knownCandidates(w, identity)
	if err != nil {
		return nil, err
	}
	for _, c := range known {
		s.known[PointName(c.Point)] = c
	}
	s.answers, s.report.FloatAccuracy, err = m.HeldAnswers(ctx, float) // by the same metric
	return s, err
}

// testImages is how many samples costs are for: as many as would be encrypted.
func (s *searcher) testImages() int {
	v := s.w.Recipe().Verify
	return cmp.Or(v.EncryptedLimit, v.Limit, s.w.Data().Test.Len())
}

// pointFolder is where a point's run is kept, below the search's folder.
func pointFolder(p pareto.Point) string { return filepath.Join(pipeline.DirPoints, PointName(p)) }

// PointName is a point's values.
func PointName(p pareto.Point) string {
	words := make([]string, len(p))
	for i, v := range p {
		words[i] = strconv.Itoa(v)
	}
	return strings.Join(words, "-")
}

// run searches, fine-tunes the front and completes the report.
func (s *searcher) run(ctx context.Context) (*Report, error) {
	axes := make([]pareto.Axis, len(s.report.Axes))
	for i, a := range s.report.Axes {
		axes[i] = a.Axis
	}
	s.bar = s.w.Begin("search", 0)
	all, err := pareto.Run(ctx, pareto.Task{Axes: axes, Start: start(s.w.Recipe(), s.report.Axes), Candidates: s.Candidates, Evaluate: s.evaluate})
	s.bar.End(err)
	if errors.Is(err, context.Canceled) {
		return nil, hint.With(err, "finished candidates are kept; the same command with --resume goes on")
	}
	if err != nil {
		return nil, err
	}
	front := pareto.Thin(pareto.Front(all), s.Front)
	if len(front) == 0 {
		last := s.report.Candidates[len(s.report.Candidates)-1]
		if last.Needs != nil {
			return nil, hint.With(fmt.Errorf("none of %d candidates answers better than by guessing, whose accuracy is %s", len(all), s.report.Judge().Format(s.report.Chance)), "more --candidates, or a float network that was trained for longer")
		}
		return nil, hint.With(fmt.Errorf("none of %d candidates can be carried; %s: %s: %w", len(all), PointName(last.Point), last.Reason, he.ErrInsufficient), s.material.NarrowHint())
	}
	if err := s.tune(ctx, front); err != nil {
		return nil, err
	}
	return s.report, s.time(ctx)
}

// time measures the machine and predicts seconds. It comes last, as nothing that
// is chosen depends on it. Of tables the cost model knows the machine's kernels.
func (s *searcher) time(ctx context.Context) (err error) {
	if s.tables() || slices.ContainsFunc(s.material.Network.Layers, model.Layer.Recurrent) {
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

// tables reports whether the network has lookup tables.
func (s *searcher) tables() bool {
	return s.material.Network.Tables()
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
func (s *searcher) evaluate(ctx context.Context, p pareto.Point) (pareto.Candidate, error) {
	s.bar.Describe(fmt.Sprintf("search: %s", s.describe(p)))
	s.bar.Set(len(s.report.Candidates), s.Candidates)
	c, ok := s.known[PointName(p)]
	if !ok {
		var err error
		if c, err = s.measure(ctx, p); err != nil {
			return pareto.Candidate{}, err
		}
	}
	s.report.Candidates = append(s.report.Candidates, c)
	if !ok {
		if err := s.report.writeFile(s.w.Path(pipeline.StateSearch)); err != nil {
			return pareto.Candidate{}, err
		}
	}
	return s.report.worth(&c), nil
}

// describe is a point in words.
func (s *searcher) describe(p pareto.Point) string {
	words := make([]string, len(p))
	for i, v := range p {
		words[i] = fmt.Sprintf("%s %d", s.report.Axes[i].Name, v)
	}
	return strings.Join(words, ", ")
}

// measure quantizes without training and predicts the cost.
func (s *searcher) measure(ctx context.Context, p pareto.Point) (Candidate, error) {
	c := Candidate{Point: p}
	w, m, err := s.at(p)
	if err != nil {
		return c, err
	}
	config := w.Recipe().Quantize.Config
	config.Images = min(config.Images, proxyImages)
	n, params, err := m.Approximate(ctx, s.float)
	if err != nil {
		return c, err
	}
	rounded, err := m.RoundOff(ctx, n, params, config, ptq.Options{BiasCorrection: m.Words == nil}, nil)
	if errors.Is(err, calibrate.ErrBound) {
		c.Reason = err.Error()
		return c, nil
	}
	if err != nil {
		return c, err
	}
	program, err := s.material.Program(rounded.Quantized)
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
	comparison, err := s.material.Score(ctx, rounded.Quantized, program, s.answers)
	if err != nil {
		return c, err
	}
	c.Accuracy = *comparison.Judged(s.report.Judge()).Integer
	return c, nil
}

// needs predicts the cost of a program, or says why nothing carries it.
func (s *searcher) needs(ctx context.Context, p *bundle.Program) (*Needs, string, error) {
	return predict(ctx, p, s.w.Recipe().Verify, s.testImages())
}

// at is a point's own workspace, on the search's data.
func (s *searcher) at(p pareto.Point) (*pipeline.Workspace, *pipeline.Material, error) {
	o := s.Options.Options
	o.Dir = s.w.Path(pointFolder(p))
	var err error
	if o.Recipe, err = s.w.Recipe().With(s.overrides(p)); err != nil {
		return nil, nil, err
	}
	return s.material.At(o)
}
