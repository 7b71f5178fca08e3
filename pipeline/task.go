package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"qtool/datasets"
	"qtool/internal/hint"
	"qtool/model"
	"qtool/train"
	"qtool/train/op"
)

// task completes a training of a stage with the run's data, seed and state file.
func (m *Material) task(stage string, task train.Task) (train.Task, error) {
	w := m.w
	var err error
	task.Train, task.Validation, task.Seed, task.Resume = m.Train, m.Held, w.recipe.Seed, w.Resume
	task.State = w.Path(stage + ".state")
	if task.Identity, err = w.identity(stage); err != nil {
		return task, err
	}
	task.Teacher, err = m.teacher(task.Config.Teacher, stage)
	return task, err
}

// float is the training that a stage does in float, from c's parameters on.
func (m *Material) float(c *model.Checkpoint, stage string) (train.Task, error) {
	config := m.w.recipe.Train
	if stage == train.RecipeTeacher {
		config = m.w.recipe.Teacher.Train
	}
	return m.task(stage, train.Task{Network: c.Network, Params: c.Params, Config: config})
}

// teacher reads the checkpoint of a stage's teacher, if it has one.
func (m *Material) teacher(c *train.TeacherConfig, stage string) (*train.Teacher, error) {
	if c == nil {
		return nil, nil
	}
	path := c.Checkpoint
	switch path {
	case train.OwnFloat:
		path = m.w.Path(FileFloat)
	case train.RecipeTeacher:
		path = m.w.Path(FileTeacher)
	default:
		path = datasets.Options{Dir: m.w.DataDir, Base: m.w.recipe.Dir}.File(path)
	}
	t, err := model.ReadCheckpoint(path)
	if c.Checkpoint == train.RecipeTeacher && errors.Is(err, fs.ErrNotExist) {
		return nil, hint.With(fmt.Errorf("%s: teacher: %w", stage, err), "qtool train or run with this recipe trains it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: teacher: %w", stage, err)
	}
	if t.Quantizers != nil {
		return nil, fmt.Errorf("%s: teacher: %s is a quantized checkpoint (stage %q): want a float one", stage, path, t.Provenance.Stage)
	}
	if want := m.Checkpoint(nil, nil).Words; !slices.Equal(t.Words, want) {
		return nil, fmt.Errorf("%s: teacher: the vocabulary of %s, of %d words, is not the recipe's, of %d", stage, path, len(t.Words), len(want))
	}
	return &train.Teacher{
		Network: t.Network, Params: t.Params, Distillation: op.Distillation{Weight: c.Weight, Temperature: c.Temperature},
	}, nil
}

// outsideSamples is how many training samples are looked at where none are held
// out.
const outsideSamples = 1000

// lookOutside notes how the inputs of the network's polynomials lie to their
// intervals, on held-out samples where there are any.
func (m *Material) lookOutside(ctx context.Context, log *TrainingLog, n *model.Network, p model.Parameters, q train.Quantizer) error {
	if !slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Interval != nil }) {
		return nil
	}
	samples := m.Train.Draw(outsideSamples, m.w.recipe.Seed)
	log.OutsideOf, log.Noun = "training", m.w.data.Unit().One
	if m.Held != nil {
		samples, log.OutsideOf = m.Held, "validation"
	}
	e, err := train.NewEvaluator(n, p, q)
	if err != nil {
		return err
	}
	defer e.Close()
	log.Outside, err = e.Outside(ctx, samples)
	return err
}
