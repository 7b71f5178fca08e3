package train

import (
	"context"
	"fmt"
	"slices"

	"qtool/datasets"
	"qtool/internal/elementary"
	"qtool/model"
)

// check refuses a task that cannot be trained; the error names the key or the part.
func (task *Task) check() error {
	c, n := task.Config, task.Network
	if err := c.Validate(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if task.Train.Len() == 0 {
		return fmt.Errorf("train: no training samples")
	}
	if c.Patience > 0 && (task.Validation == nil || task.Validation.Len() == 0) {
		return fmt.Errorf("train: patience %d needs a validation split", c.Patience)
	}
	if err := task.Params.Check(n); err != nil {
		return err
	}
	if n.ReadsWords() != (task.Train.Words != nil) {
		return fmt.Errorf("train: the network reads words: %v, the samples are words: %v", n.ReadsWords(), task.Train.Words != nil)
	}
	if !n.ReadsWords() && (c.WordRate != 0 || c.KeepWords) {
		return fmt.Errorf("train: word_rate and keep_words are for networks that read words")
	}
	if err := task.checkTeacher(); err != nil {
		return err
	}
	if c.OverflowPenalty > 0 && !slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Interval != nil }) {
		return fmt.Errorf("train: overflow_penalty %v: no polynomial has an interval", c.OverflowPenalty)
	}
	if err := CheckNormBatch(n, c); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// checkTeacher refuses a teacher that the network cannot learn from.
func (task *Task) checkTeacher() error {
	t := task.Teacher
	if t == nil {
		return nil
	}
	if err := t.Params.Check(t.Network); err != nil {
		return fmt.Errorf("train: teacher: %w", err)
	}
	if !slices.Equal(t.Network.Input, task.Network.Input) || t.Network.ReadsWords() != task.Network.ReadsWords() {
		return fmt.Errorf("train: the teacher takes inputs of shape %v, the network %v", t.Network.Input, task.Network.Input)
	}
	one, its := outputs(task.Network) == 1, outputs(t.Network)
	switch {
	case task.Network.ReadsWords() && t.Network.Layers[0].Words != task.Network.Layers[0].Words:
		return fmt.Errorf("train: the teacher knows %d words, the network %d", t.Network.Layers[0].Words, task.Network.Layers[0].Words)
	case one != (its == 1):
		return fmt.Errorf("train: the teacher has %d logits, the network %d", its, outputs(task.Network))
	case task.Network.ReadsWords() && !one:
		return fmt.Errorf("train: a network that reads words learns from a teacher with one logit, this one has %d", its)
	case one && task.Config.Augment != datasets.Augment{}:
		return fmt.Errorf("train: a teacher with one logit answers samples as they are: leave augment out")
	}
	return nil
}

// outputs is how many logits a network has, whose last layer is dense.
func outputs(n *model.Network) int { return n.Layers[len(n.Layers)-1].Units }

// soften lets a teacher of one logit z answer all training samples once, and makes of
// label y what is learned in its place:
//
//	(1-Weight) y + Weight sigmoid(z/Temperature)
func (f *fitter) soften(ctx context.Context) error {
	t, s := f.task.Teacher, f.task.Train
	if t == nil || outputs(f.task.Network) != 1 {
		return nil
	}
	e, err := NewEvaluator(t.Network, t.Params, nil)
	if err != nil {
		return fmt.Errorf("train: teacher: %w", err)
	}
	defer e.Close()
	logits, err := e.Logits(ctx, s)
	if err != nil {
		return err
	}
	f.soft = soften(logits, s.Labels, t.Distillation.Weight, t.Distillation.Temperature)
	return nil
}

func soften(logits []float32, labels []uint8, weight, temperature float64) []float32 {
	soft := make([]float32, len(logits))
	for i, z := range logits {
		p := weight/(1+elementary.Exp(-float64(z)/temperature)) + float64((1-weight)*float64(labels[i]))
		soft[i] = float32(p)
	}
	return soft
}
