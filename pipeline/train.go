package pipeline

import (
	"context"
	"errors"
	"fmt"

	"qtool/internal/hint"
	"qtool/model"
	"qtool/train"
)

// Train is what qtool train does: it trains the recipe's network in float.
func Train(ctx context.Context, o Options) (*Made, error) {
	return within(o, func(w *Workspace) (*Made, error) {
		if err := w.Open(ctx); err != nil {
			return nil, err
		}
		c, err := w.Float(ctx)
		if err != nil {
			return nil, err
		}
		if err := w.Commit(); err != nil {
			return nil, err
		}
		return w.made(c, FileFloat, train.OwnFloat), nil
	})
}

// Float is the stage train, and teacher before it where the recipe has one: it trains the
// recipe's network, or returns what a resumed run had finished of it.
func (w *Workspace) Float(ctx context.Context) (*model.Checkpoint, error) {
	if c, err := w.finished(trainStage, train.OwnFloat); c != nil || err != nil {
		return c, err
	}
	if err := w.Teacher(ctx); err != nil {
		return nil, err
	}
	return w.fromScratch(ctx, trainStage, train.OwnFloat)
}

// Teacher is the stage teacher: it trains the network that the recipe's learns from, if
// it has one and a resumed run had not finished it.
func (w *Workspace) Teacher(ctx context.Context) error {
	if w.recipe.Teacher == nil {
		return nil
	}
	_, err := w.fromScratch(ctx, teacherStage, train.RecipeTeacher)
	return err
}

// fromScratch trains a float network as one stage of the run.
func (w *Workspace) fromScratch(ctx context.Context, s Stage, stage string) (*model.Checkpoint, error) {
	if c, err := w.finished(s, stage); c != nil || err != nil {
		return c, err
	}
	n := w.material.Network
	if stage == train.RecipeTeacher {
		n = w.recipe.TeacherNetwork()
	}
	c, err := w.material.Initial(n)
	if err != nil {
		return nil, err
	}
	t, err := w.material.float(c, stage)
	if err != nil {
		return nil, err
	}
	result, err := w.fit(ctx, stage, t)
	if err != nil {
		return nil, err
	}
	c.Params = result.Params
	return c, w.complete(c, s, stage, stage)
}

// fit runs a training under a progress bar and keeps its log.
func (w *Workspace) fit(ctx context.Context, stage string, t train.Task) (*train.Result, error) {
	steps := (t.Train.Len() + t.Config.Batch - 1) / t.Config.Batch
	total := steps * t.Config.Epochs
	bar := w.Begin("train "+stage, total)
	t.Progress = func(p train.Progress) {
		if p.Step%10 == 0 || p.Step == p.Steps {
			bar.Describe(describeProgress(stage, p, t.Validation != nil))
			bar.Set((p.Epoch-1)*p.Steps+p.Step, total)
		}
	}
	result, err := train.Fit(ctx, t)
	bar.End(err)
	if errors.Is(err, context.Canceled) {
		return nil, hint.With(err, "the training state is saved; the same command with --resume goes on")
	}
	if err != nil {
		return nil, err
	}
	if result.Settled {
		w.Note(fmt.Sprintf("%s: the running moments of batch norms had not settled by the end of training: they were taken anew from training %s with the final weights", stage, w.data.Unit().Many))
	}
	log := TrainingLog{History: result.History, Best: result.Best, Seconds: result.Seconds}
	if err := w.material.lookOutside(ctx, &log, t.Network, result.Params, t.Quantizer); err != nil {
		return nil, err
	}
	return result, w.logTraining(stage, log)
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
