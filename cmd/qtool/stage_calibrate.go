package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/verify"
	"qtool/verify/integer"
)

// calibrationTrial is one way to quantize without training, and how well it did
// on the held-out training images.
type calibrationTrial struct {
	Input   calibrate.InputConfig  `json:"input"`
	Weights calibrate.WeightConfig `json:"weights"`
	PTQ     ptq.Options            `json:"ptq"`
	// Accuracy is the integer program's; nil where there is none, and Reason
	// says why.
	Accuracy *float64 `json:"accuracy"`
	// Differ counts the answers that are not the float network's.
	Differ  int      `json:"answers_differ_from_float"`
	Seconds float64  `json:"seconds"`
	Reason  string   `json:"reason,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	Best    bool     `json:"best"`
}

// calibrationTable compares them all.
type calibrationTable struct {
	Images        int                `json:"images"` // held out of the training set
	FloatAccuracy float64            `json:"float_accuracy"`
	Trials        []calibrationTrial `json:"trials"`
}

// calibrator tries ways to quantize one float network.
type calibrator struct {
	*workspace
	float   *model.Checkpoint
	network *model.Network // with its polynomials, and their parameters
	params  model.Parameters
	answers verify.Predictions // of the float network
	table   calibrationTable
	bar     *patientBar
}

// trials is how many there will be: each observer, each option, and all.
var trials = len(calibrate.Observers) + len(calibrate.WeightObservers) - 1 + 4

// compareCalibrations tries every observer, then each option of ptq on the best
// of them, then all options together, and returns the table. The recipe becomes
// that of the best: the most accurate on held-out training images, of equals the
// one with the most answers of the float network, of equals the first.
func (w *workspace) compareCalibrations(ctx context.Context, float *model.Checkpoint) (*calibrationTable, error) {
	c := &calibrator{workspace: w, float: float, bar: newPatientBar(w.progress(), "calibrate")}
	err := c.compare(ctx)
	c.bar.end(err)
	if err != nil {
		return nil, err
	}
	best := c.best()
	if best == nil {
		return nil, hinted{fmt.Errorf("no calibration gives an integer program: %s", c.table.Trials[0].Reason), w.narrowHint()}
	}
	best.Best = true
	q := &w.recipe.Quantize
	q.Config, q.PTQ = c.config(*best), best.PTQ
	return &c.table, w.recipe.Validate()
}

// compare fills the table.
func (c *calibrator) compare(ctx context.Context) (err error) {
	if c.network, c.params, err = c.approximate(ctx, c.float); err != nil {
		return err
	}
	if c.answers, err = predict(ctx, c.float, c.val); err != nil {
		return err
	}
	c.table.Images = c.val.Len()
	ladder := verify.Ladder{Labels: c.val.Labels, Float: c.answers}
	scored, err := ladder.Compare()
	if err != nil {
		return err
	}
	c.table.FloatAccuracy = *scored.Accuracy.Float
	if err := c.observers(ctx); err != nil {
		return err
	}
	return c.options(ctx)
}

// observers tries the input's, with the recipe's for the weights, and then the
// other observers of weights.
func (c *calibrator) observers(ctx context.Context) error {
	q := c.recipe.Quantize
	if q.Weights.Kind == "" {
		q.Weights.Kind = calibrate.WeightObservers[0]
	}
	for _, name := range calibrate.Observers {
		input := withObserver(q.Input, name)
		if err := c.try(ctx, calibrationTrial{Input: input, Weights: q.Weights}); err != nil {
			return err
		}
	}
	t := c.start()
	for _, kind := range calibrate.WeightObservers {
		if kind == q.Weights.Kind {
			continue
		}
		t.Weights.Kind = kind
		if err := c.try(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// withObserver changes the observer and drops the keys that the new one does not
// take.
func withObserver(c calibrate.InputConfig, name string) calibrate.InputConfig {
	if c.Observer == name {
		return c
	}
	other := calibrate.InputConfig{Bits: c.Bits, Observer: name, Bins: c.Bins}
	if other.Validate() != nil {
		other.Bins = 0
	}
	return other
}

// options tries each option on the best observers, and all that apply together.
func (c *calibrator) options(ctx context.Context) error {
	start := c.start()
	var all ptq.Options
	for _, o := range []struct {
		one ptq.Options
		add *bool
	}{
		{ptq.Options{Equalize: true}, &all.Equalize},
		{ptq.Options{LearnedRounding: true}, &all.LearnedRounding},
		{ptq.Options{BiasCorrection: true}, &all.BiasCorrection},
	} {
		t := start
		t.PTQ = o.one
		if err := t.PTQ.Check(c.network, c.config(t)); err != nil {
			t.Reason = "not applicable: " + err.Error()
			c.table.Trials = append(c.table.Trials, t)
			continue
		}
		*o.add = true
		if err := c.try(ctx, t); err != nil {
			return err
		}
	}
	start.PTQ = all
	return c.try(ctx, start)
}

// config is the recipe's with the trial's observers; the input's is that of tabled
// activations too.
func (c *calibrator) config(t calibrationTrial) calibrate.Config {
	config := c.recipe.Quantize.Config
	config.Input, config.Weights = t.Input, t.Weights
	if a := &config.Activations; a.Bits != 0 {
		bits := a.Bits
		a.InputConfig = t.Input
		a.Bits = bits
	}
	return config
}

// start is the configuration of the best trial so far, or of the first where
// none succeeded, to be varied.
func (c *calibrator) start() calibrationTrial {
	t := c.best()
	if t == nil {
		t = &c.table.Trials[0]
	}
	return calibrationTrial{Input: t.Input, Weights: t.Weights}
}

// best is the best trial so far.
func (c *calibrator) best() (best *calibrationTrial) {
	for i := range c.table.Trials {
		t := &c.table.Trials[i]
		if t.Accuracy == nil {
			continue
		}
		if best == nil || *t.Accuracy > *best.Accuracy || *t.Accuracy == *best.Accuracy && t.Differ < best.Differ {
			best = t
		}
	}
	return best
}

// try quantizes and scores. A network too wide to export is a result.
func (c *calibrator) try(ctx context.Context, t calibrationTrial) error {
	config := c.config(t)
	if err := config.Validate(); err != nil {
		t.Reason = "not applicable: " + err.Error()
		c.table.Trials = append(c.table.Trials, t)
		return nil
	}
	begun := time.Now()
	const units = 1000 // of the bar, a trial
	at := len(c.table.Trials) * units
	c.bar.describe("calibrate: " + t.name())
	c.bar.set(at, trials*units)
	r, err := c.roundOff(ctx, c.network, c.params, config, t.PTQ, func(done, total int) {
		c.bar.set(at+done*units/total/2, trials*units) // the other half is scoring
	})
	if err != nil {
		return err
	}
	t.Notes, t.Seconds = r.Notes, time.Since(begun).Seconds()
	var comparison *verify.Comparison
	p, err := export.Program(r.Quantized, classLabels(c.data.Classes))
	if err == nil {
		comparison, err = integerAnswers(ctx, p, c.answers, c.val)
	}
	switch {
	case errors.Is(err, export.ErrTooWide):
		t.Reason = err.Error()
	case err != nil:
		return err
	default:
		t.Accuracy, t.Differ = comparison.Accuracy.Integer, comparison.Flips.FloatInteger
	}
	c.table.Trials = append(c.table.Trials, t)
	return nil
}

// integerAnswers runs an integer program on images.
func integerAnswers(ctx context.Context, p *bundle.Program, float verify.Predictions, images *datasets.Split) (*verify.Comparison, error) {
	e, err := integer.New(p)
	if err != nil {
		return nil, err
	}
	raw := make([][]uint8, images.Len())
	for i := range raw {
		raw[i] = images.Image(i)
	}
	r, err := e.Run(ctx, raw, nil)
	if err != nil {
		return nil, err
	}
	ladder := verify.Ladder{Output: p.Output(), Labels: images.Labels, Float: float, Integer: r.Logits}
	return ladder.Compare()
}

// name is the trial in words.
func (t *calibrationTrial) name() string {
	return strings.Join(slices.Concat([]string{t.Input.Observer, t.Weights.Kind}, t.PTQ.Names()), ", ")
}

func (p *printer) calibrations(c *calibrationTable) {
	t := newTable()
	t.SuppressEmptyColumns()
	t.AppendHeader(table.Row{"", "input", "weights", "and", "accuracy", "unlike float", "seconds"})
	right(t, 5, 6, 7)
	t.AppendRow(table.Row{"", "float", "", "", percent(c.FloatAccuracy)})
	var remarks []string
	for _, r := range c.Trials {
		mark := ""
		if r.Best {
			mark = "*"
		}
		row := table.Row{mark, r.Input.Observer, r.Weights.Kind, strings.Join(r.PTQ.Names(), ", "), "-", "-", ""}
		if r.Accuracy != nil {
			row[4], row[5], row[6] = percent(*r.Accuracy), r.Differ, fmt.Sprintf("%.1f", r.Seconds)
		}
		t.AppendRow(row)
		for _, remark := range nonEmpty(append(r.Notes, r.Reason)...) {
			if !slices.Contains(remarks, remark) {
				remarks = append(remarks, remark)
			}
		}
	}
	p.f("%s\n\n%d training images held out; * is the best, which was written.\n", t.Render(), c.Images)
	for _, r := range remarks {
		p.f("  - %s\n", r)
	}
}

func percent(a float64) string { return fmt.Sprintf("%.2f %%", 100*a) }
