package main

import (
	"context"
	"errors"

	"qtool/internal/progress"
	"qtool/model/sequence"
	"qtool/train"
	sentence "qtool/train/sequence"
)

// trainSentences is qtool train of a recipe that reads sentences.
func trainSentences(ctx context.Context, w *workspace) error {
	s := &sentences{workspace: w}
	if err := s.open(ctx); err != nil {
		return err
	}
	c, err := s.trainFloat(ctx)
	if err != nil {
		return err
	}
	if err := s.commit(); err != nil {
		return err
	}
	return s.printed(c, fileFloat, "float")
}

// printed tells what a stage made.
func (s *sentences) printed(c *sequence.Checkpoint, file, stage string, layers ...layerRow) error {
	return s.printStage(c.Params.Count(), c.Provenance, file, stage, true, layers...)
}

func (s *sentences) trainFloat(ctx context.Context) (*sequence.Checkpoint, error) {
	if c, err := s.finished(fileFloat, "float"); c != nil || err != nil {
		return c, err
	}
	c, err := s.initial()
	if err != nil {
		return nil, err
	}
	result, err := s.fit(ctx, "float", s.Training(c.Network, c.Params, s.Samples(s.Corpus.Train), s.Samples(s.Corpus.Dev)))
	if err != nil {
		return nil, err
	}
	c.Params = result.Params
	return c, c.WriteFile(s.path(fileFloat))
}

// fit runs a task under a progress bar.
func (s *sentences) fit(ctx context.Context, stage string, task sentence.Task) (*train.Result, error) {
	steps := (len(task.Train) + task.Config.Batch - 1) / task.Config.Batch
	bar := progress.New(s.progress(), steps*task.Config.Epochs, "train "+stage)
	task.Progress = func(p train.Progress) {
		if p.Step%10 == 0 || p.Step == p.Steps {
			bar.Describe(describeProgress(stage, p, true))
			bar.Set((p.Epoch-1)*p.Steps + p.Step)
		}
	}
	result, err := sentence.Fit(ctx, task)
	if err != nil {
		bar.Abandon()
		if errors.Is(err, context.Canceled) {
			return nil, hinted{err, "the same command with --resume keeps the stages that are finished and repeats this one"}
		}
		return nil, err
	}
	bar.Finish()
	return result, s.logTraining(stage, trainingLog{History: result.History, Best: result.Best, Seconds: result.Seconds})
}
