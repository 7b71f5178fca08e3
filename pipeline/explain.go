package pipeline

import (
	"context"
	"fmt"

	"qtool/explain"
	"qtool/internal/hint"
	"qtool/model"
)

// explain says what quantization did to each layer of a checkpoint: ranges and
// saturation on the calibration images, accuracies on the held-out ones.
func (w *Workspace) explain(ctx context.Context, c *model.Checkpoint) (*explain.Report, error) {
	m := w.material
	q, err := c.Quantized()
	if err != nil {
		return nil, err
	}
	float, err := m.reference(c)
	if err != nil {
		return nil, err
	}
	samples := m.calibration()
	inputs, err := m.Inputs(q, samples)
	if err != nil {
		return nil, err
	}
	bar := w.Begin("explain", 0)
	r, err := explain.Run(ctx, explain.Task{
		Quantized: q, Float: float, Calibration: samples, Inputs: inputs, Held: m.Held, Noun: w.data.Unit(), Progress: bar.Set,
	})
	bar.End(err)
	return r, err
}

// NeedHeldOut refuses a recipe without samples to measure accuracies on, naming what needs
// them. A corpus of sentences has some of its own.
func (w *Workspace) NeedHeldOut(what string) error {
	if w.recipe.Data.Validation > 0 || w.recipe.ReadsWords() {
		return nil
	}
	return hint.With(
		fmt.Errorf("recipe %s: %s needs held-out training samples, data.validation is 0", w.recipe.Name, what),
		"--set data.validation=1000; the test set is never used to choose",
	)
}
