package pipeline

import (
	"errors"

	"qtool/bundle"
	"qtool/explain"
	"qtool/model"
)

// Made is what Train or Quantize made.
type Made struct {
	Checkpoint string // path
	Parameters int    // numbers
	Provenance model.Provenance
	// Training is the log of the stage that made the checkpoint, nil for none; Validated
	// says that its epochs were scored on samples that were not trained on.
	Training  *TrainingLog
	Validated bool

	// Bundle is the path of the bundle that was exported, "" for none, Program what is in
	// it, and SQNR each layer's signal to noise in decibels, nil where it is not known.
	Bundle  string
	Program *bundle.Program
	SQNR    []float64
	// Calibrations is the comparison that chose the calibration, nil for none.
	Calibrations *Calibrations
	// Explanation says what quantization did, nil where it was not asked for.
	Explanation *explain.Report
}

// made describes a stage's checkpoint; the results are in their place.
func (w *Workspace) made(c *model.Checkpoint, file, stage string) *Made {
	m := &Made{Checkpoint: w.Path(file), Parameters: c.Params.Count(), Provenance: c.Provenance, Validated: w.material.Held != nil}
	if log, ok := w.training[stage]; ok {
		m.Training = &log
	}
	return m
}

// within does work in the folder of a run, which it holds meanwhile.
func within[R any](o Options, work func(w *Workspace) (R, error)) (R, error) {
	var none R
	if o.Recipe == nil || o.Dir == "" {
		return none, errors.New("pipeline: a run takes a recipe and a folder: Options has not both")
	}
	w := New(o)
	if err := w.Hold(); err != nil {
		return none, err
	}
	defer w.Leave()
	return work(w)
}
