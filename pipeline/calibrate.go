package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qtool/calibrate"
	"qtool/export"
	"qtool/internal/hint"
	"qtool/model"
	"qtool/ptq"
	"qtool/verify"
)

// CalibrationTrial is one way to quantize without training, and how well it did
// on the held-out training images.
type CalibrationTrial struct {
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

// Calibrations compares all of them.
type Calibrations struct {
	Images        int                `json:"images"` // held out of the training set
	Noun          string             `json:"noun"`   // what one of them is
	FloatAccuracy float64            `json:"float_accuracy"`
	Trials        []CalibrationTrial `json:"trials"`
}

// calibrator tries ways to quantize one float network.
type calibrator struct {
	*Material
	float   *model.Checkpoint
	network *model.Network // with its polynomials, and their parameters
	params  model.Parameters
	answers verify.Predictions // of the float network
	table   Calibrations
	bar     Bar
}

// trials is how many there will be at most: each observer, each option, and all.
var trials = len(calibrate.Observers) + len(calibrate.WeightObservers) - 1 + 4

// Calibrate is the stage calibrate: it tries every observer, then each option of ptq on
// the best of them, then all options together. The run goes on with the recipe of the best:
// the most accurate on held-out training images, of equals the one with the most answers
// of the float network, of equals the first. The recipe that the run was given stays as it
// is; Recipe returns the new one, which the folder has too.
func (w *Workspace) Calibrate(ctx context.Context, float *model.Checkpoint) (*Calibrations, error) {
	m := w.material
	c := &calibrator{Material: m, float: float, bar: w.Begin("calibrate", 0)}
	err := c.compare(ctx)
	c.bar.End(err)
	if err != nil {
		return nil, err
	}
	best := c.best()
	if best == nil {
		return nil, hint.With(fmt.Errorf("no calibration gives an integer program: %s", c.table.Trials[0].Reason), m.NarrowHint())
	}
	best.Best = true
	chosen := *w.recipe
	chosen.Quantize.Config, chosen.Quantize.PTQ = c.config(*best), best.PTQ
	if err := chosen.Validate(); err != nil {
		return nil, err
	}
	w.recipe = &chosen
	return &c.table, w.writeRecipe()
}

// compare fills the table.
func (c *calibrator) compare(ctx context.Context) (err error) {
	if c.network, c.params, err = c.Approximate(ctx, c.float); err != nil {
		return err
	}
	c.table.Images, c.table.Noun = c.Held.Len(), c.w.data.Unit().One
	if c.answers, c.table.FloatAccuracy, err = c.HeldAnswers(ctx, c.float); err != nil {
		return err
	}
	if err := c.observers(ctx); err != nil {
		return err
	}
	return c.options(ctx)
}

// observers tries the input's, with the recipe's for the weights, and then the
// other observers of weights.
func (c *calibrator) observers(ctx context.Context) error {
	q := c.w.recipe.Quantize
	if q.Weights.Kind == "" {
		q.Weights.Kind = calibrate.WeightObservers[0]
	}
	observers := calibrate.Observers
	if c.Words != nil {
		observers = []string{q.Input.Observer} // it does not choose the grid of vectors
	}
	for _, name := range observers {
		input := withObserver(q.Input, name)
		if err := c.try(ctx, CalibrationTrial{Input: input, Weights: q.Weights}); err != nil {
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
	if start.PTQ = all; len(all.Names()) == 0 {
		return nil
	}
	return c.try(ctx, start)
}

// config is the recipe's with the trial's observers; the observer of the input
// is also the observer of lookup-table activations, but not of the states of recurrent
// layers, which have fixed grids.
func (c *calibrator) config(t CalibrationTrial) calibrate.Config {
	config := c.w.recipe.Quantize.Config
	config.Input, config.Weights = t.Input, t.Weights
	if a := &config.Activations; a.Bits != 0 && c.Words == nil {
		bits := a.Bits
		a.InputConfig = t.Input
		a.Bits = bits
	}
	return config
}

// start is the configuration of the best trial so far, or of the first where
// none succeeded, to be varied.
func (c *calibrator) start() CalibrationTrial {
	t := c.best()
	if t == nil {
		t = &c.table.Trials[0]
	}
	return CalibrationTrial{Input: t.Input, Weights: t.Weights}
}

// best is the best trial so far.
func (c *calibrator) best() (best *CalibrationTrial) {
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
func (c *calibrator) try(ctx context.Context, t CalibrationTrial) error {
	config := c.config(t)
	if err := config.Validate(); err != nil {
		t.Reason = "not applicable: " + err.Error()
		c.table.Trials = append(c.table.Trials, t)
		return nil
	}
	begun := time.Now()
	const units = 1000 // of the bar, a trial
	at := len(c.table.Trials) * units
	c.bar.Describe("calibrate: " + t.name())
	c.bar.Set(at, trials*units)
	r, err := c.RoundOff(ctx, c.network, c.params, config, t.PTQ, func(done, total int) {
		c.bar.Set(at+done*units/total/2, trials*units) // the other half is scoring
	})
	if err != nil {
		return err
	}
	t.Notes, t.Seconds = r.Notes, time.Since(begun).Seconds()
	var comparison *verify.Comparison
	p, err := c.Program(r.Quantized)
	if err == nil {
		comparison, err = c.Score(ctx, r.Quantized, p, c.answers)
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

// name is the trial in words.
func (t *CalibrationTrial) name() string {
	return strings.Join(slices.Concat([]string{t.Input.Observer, t.Weights.Kind}, t.PTQ.Names()), ", ")
}
