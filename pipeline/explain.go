package pipeline

import (
	"context"
	"fmt"

	"qtool/explain"
	"qtool/internal/hint"
	"qtool/task"
)

// explain says what quantization did to each layer of a checkpoint: ranges and
// saturation on the calibration images, accuracies on the held-out ones.
func (w *Workspace) explain(ctx context.Context, c Checkpoint) (*explain.Report, error) {
	m, err := w.Images("an explanation of its quantization")
	if err != nil {
		return nil, err
	}
	quantized := c.(imageCheckpoint)
	q, err := quantized.Quantized()
	if err != nil {
		return nil, err
	}
	float, err := m.reference(quantized)
	if err != nil {
		return nil, err
	}
	bar := w.Begin("explain", 0)
	r, err := explain.Run(ctx, explain.Task{
		Quantized: q, Float: float, Calibration: m.calibration(), Held: m.val, Noun: w.data.Unit(), Progress: bar.Set,
	})
	bar.End(err)
	return r, err
}

// noun is the word for a sample, as the recipe has it before data are loaded.
func (w *Workspace) noun() task.Noun {
	if w.recipe.Sentence != nil {
		return task.Sentence
	}
	return task.Image
}

// NeedHeldOut refuses a recipe without images to measure accuracies on, naming what needs
// them.
func (w *Workspace) NeedHeldOut(what string) error {
	if w.recipe.Data.Validation > 0 {
		return nil
	}
	return hint.With(
		fmt.Errorf("recipe %s: %s needs held-out training %s, data.validation is 0", w.recipe.Name, what, w.noun().Many),
		"--set data.validation=1000; the test set is never used to choose",
	)
}
