package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"qtool/datasets"
	"qtool/internal/progress"
	"qtool/model"
	"qtool/train"
	"qtool/train/op"
)

// trainFloat trains the recipe's network, or returns what a resumed run had
// finished of it.
func (w *workspace) trainFloat(ctx context.Context) (*model.Checkpoint, error) {
	if c, err := w.finished(fileFloat, train.OwnFloat); c != nil || err != nil {
		return c, err
	}
	if w.recipe.Teacher != nil {
		if _, err := w.fromScratch(ctx, fileTeacher, train.RecipeTeacher, w.recipe.TeacherNetwork(), w.recipe.Teacher.Train); err != nil {
			return nil, err
		}
	}
	return w.fromScratch(ctx, fileFloat, train.OwnFloat, w.network, w.recipe.Train)
}

// fromScratch trains a float network as one stage of the run.
func (w *workspace) fromScratch(ctx context.Context, file, stage string, n *model.Network, config train.Config) (*model.Checkpoint, error) {
	if c, err := w.finished(file, stage); c != nil || err != nil {
		return c, err
	}
	params, err := n.Initialise(w.recipe.Seed)
	if err != nil {
		return nil, err
	}
	result, err := w.fit(ctx, stage, train.Task{Network: n, Params: params, Config: config})
	if err != nil {
		return nil, err
	}
	c := &model.Checkpoint{Network: n, Params: result.Params}
	if c.Provenance, err = w.provenance(stage); err != nil {
		return nil, err
	}
	return c, w.complete(c, file, stage)
}

// complete writes a stage's checkpoint and then drops its training state.
func (w *workspace) complete(c *model.Checkpoint, file, stage string) error {
	if err := c.WriteFile(w.path(file)); err != nil {
		return err
	}
	if err := os.Remove(w.path(stage + ".state")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fit completes a task with the run's data, seed, state file and progress bar,
// and runs it.
func (w *workspace) fit(ctx context.Context, stage string, task train.Task) (*train.Result, error) {
	var err error
	task.Train, task.Validation, task.Seed, task.Resume = w.train, w.val, w.recipe.Seed, w.resume
	task.State = w.path(stage + ".state")
	if task.Identity, err = w.identity(stage); err != nil {
		return nil, err
	}
	if task.Teacher, err = w.teacher(task.Config.Teacher, stage); err != nil {
		return nil, err
	}
	steps := (w.train.Len() + task.Config.Batch - 1) / task.Config.Batch
	bar := progress.New(w.progress(), steps*task.Config.Epochs, "train "+stage)
	task.Progress = func(p train.Progress) {
		if p.Step%10 == 0 || p.Step == p.Steps {
			bar.Describe(describeProgress(stage, p, w.val != nil))
			bar.Set((p.Epoch-1)*p.Steps + p.Step)
		}
	}
	result, err := train.Fit(ctx, task)
	if err != nil {
		bar.Abandon()
		if errors.Is(err, context.Canceled) {
			return nil, hinted{err, "the training state is saved; the same command with --resume goes on"}
		}
		return nil, err
	}
	bar.Finish()
	if result.Settled {
		w.note(fmt.Sprintf("%s: the running moments of batch norms had not settled by the end of training: they are those of training images with the final weights", stage))
	}
	log := trainingLog{History: result.History, Best: result.Best, Seconds: result.Seconds}
	if err := w.lookOutside(ctx, &log, task.Network, result.Params, task.Quantizer); err != nil {
		return nil, err
	}
	return result, w.logTraining(stage, log)
}

// outsideImages is how many training images are looked at where none are held
// out.
const outsideImages = 1000

// lookOutside notes how the inputs of the network's polynomials lie to their
// intervals, on held-out images where there are any.
func (w *workspace) lookOutside(ctx context.Context, log *trainingLog, n *model.Network, p model.Parameters, q train.Quantizer) error {
	if !slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Interval != nil }) {
		return nil
	}
	images := w.train.Draw(outsideImages, w.recipe.Seed)
	log.OutsideOf = "training"
	if w.val != nil {
		images, log.OutsideOf = w.val, "validation"
	}
	e, err := train.NewEvaluator(n, p, q)
	if err != nil {
		return err
	}
	defer e.Close()
	log.Outside, err = e.Outside(ctx, images)
	return err
}

// teacher reads the checkpoint of a stage's teacher, if it has one.
func (w *workspace) teacher(c *train.TeacherConfig, stage string) (*train.Teacher, error) {
	if c == nil {
		return nil, nil
	}
	path := c.Checkpoint
	switch path {
	case train.OwnFloat:
		path = w.path(fileFloat)
	case train.RecipeTeacher:
		path = w.path(fileTeacher)
	default:
		path = datasets.Options{Dir: w.dataDir, Base: w.recipe.Dir}.File(path)
	}
	t, err := model.ReadCheckpoint(path)
	if c.Checkpoint == train.RecipeTeacher && errors.Is(err, fs.ErrNotExist) {
		return nil, hinted{fmt.Errorf("%s: teacher: %w", stage, err), "qtool train or run with this recipe trains it"}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: teacher: %w", stage, err)
	}
	if t.Quantizers != nil {
		return nil, fmt.Errorf("%s: teacher: %s is a quantized checkpoint (stage %q): want a float one", stage, path, t.Provenance.Stage)
	}
	return &train.Teacher{
		Network: t.Network, Params: t.Params, Distillation: op.Distillation{Weight: c.Weight, Temperature: c.Temperature},
	}, nil
}

func describeProgress(stage string, p train.Progress, validated bool) string {
	if p.Float {
		stage += " (in float)"
	}
	text := fmt.Sprintf("train %s %d/%d  loss %.4f  accuracy %.2f%%", stage, p.Epoch, p.Epochs, p.Loss, 100*p.Accuracy)
	if validated && p.Epoch > 1 {
		text += fmt.Sprintf("  validation %.2f%%", 100*p.Validation)
	}
	return text
}
