package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/internal/hint"
	"qtool/model"
	"qtool/recipe/material"
	"qtool/task"
	"qtool/verify"
	"qtool/verify/integer"
)

// Material is what a run's network is made of and trained on, once the workspace is open.
type Material struct {
	*material.Material
	w    *Workspace
	told *bool // which classes calibration lacks
}

// Material is what the run is made of.
func (w *Workspace) Material() *Material { return w.material }

// At is the workspace of another recipe and folder on the same data.
func (m *Material) At(o Options) (*Workspace, *Material, error) {
	other, err := m.With(o.Recipe)
	if err != nil {
		return nil, nil, err
	}
	w := &Workspace{Options: o, recipe: o.Recipe, data: m.Data}
	w.material = &Material{Material: other, w: w, told: m.told}
	return w, w.material, nil
}

// load reads the data that the recipe names, and tells what is noteworthy of them.
func (w *Workspace) load(ctx context.Context) error {
	o := datasets.Options{Dir: w.DataDir, Base: w.recipe.Dir, Progress: w.Downloads}
	all, err := material.Load(ctx, w.recipe, o)
	if err != nil {
		return err
	}
	w.material, w.data = &Material{Material: all, w: w, told: new(bool)}, all.Data
	if w.recipe.Sentence != nil {
		w.Note(fmt.Sprintf("recipe %s: the section sentence is short for network.layers, data.text and keys of train and quantize", w.recipe.Name))
	}
	if words := all.Words; words != nil {
		w.Note(fmt.Sprintf("linear baseline, logistic regression on the set of words: dev %.2f %%, test %.2f %%",
			100*words.Logistic.Accuracy(words.Vocabulary, words.Corpus.Dev), 100*words.Logistic.Accuracy(words.Vocabulary, words.Corpus.Test)))
	}
	if empty := all.Train.Missing(all.Data.Classes); len(empty) > 0 {
		w.Note(fmt.Sprintf("%s no training %s: the network cannot learn %s", material.ClassesHave(empty), all.Unit().One, itOrThem(empty)))
	}
	return nil
}

// fits refuses the checkpoint of another network or vocabulary than the recipe's.
func (m *Material) fits(path string, c *model.Checkpoint) error {
	name := m.w.recipe.Name
	if have, want := len(c.Words), m.Checkpoint(nil, nil).Words; !slices.Equal(c.Words, want) {
		return fmt.Errorf("%s does not fit recipe %s: its vocabulary of %d words is not the recipe's, of %d", path, name, have, len(want))
	}
	if err := c.Params.Check(m.Network); err != nil {
		return fmt.Errorf("%s does not fit recipe %s: %w", path, name, err)
	}
	have, err := json.Marshal(c.Network.Unfitted().Undropped())
	if err != nil {
		return err
	}
	want, err := json.Marshal(m.Network.Unfitted().Undropped())
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s does not fit recipe %s: its network is %s, the recipe's %s", path, name, have, want)
	}
	return nil
}

// Task is what the networks of the workspace are asked for, once its data is loaded.
func (w *Workspace) Task() task.Task {
	return task.Task{Kind: task.Classification, Outputs: w.data.Classes}
}

// HeldAnswers are the float network's answers to the held-out samples, and the metric
// of these that decides in the task.
func (m *Material) HeldAnswers(ctx context.Context, float *model.Checkpoint) (verify.Predictions, float64, error) {
	answers, err := predict(ctx, float, m.Held)
	if err != nil {
		return nil, 0, err
	}
	ladder := verify.Ladder{Task: m.w.Task(), Labels: m.Held.Labels, Float: answers.Answers, FloatValues: answers.Values}
	scored, err := ladder.Compare()
	if err != nil {
		return nil, 0, err
	}
	return answers.Answers, *scored.Judged(m.w.Task().Metric()).Float, nil
}

// Score runs the integer program of q on the held-out samples and compares it with the
// float network's answers to them.
func (m *Material) Score(ctx context.Context, q *model.Quantized, p *bundle.Program, float verify.Predictions) (*verify.Comparison, error) {
	e, err := integer.New(p)
	if err != nil {
		return nil, err
	}
	inputs, err := m.Inputs(q, m.Held)
	if err != nil {
		return nil, err
	}
	r, err := e.Run(ctx, p.Input.Pictures(inputs.Encoder, samplesOf(inputs)), nil)
	if err != nil {
		return nil, err
	}
	logits, err := exact(r, e.Backend().Name)
	if err != nil {
		return nil, err
	}
	ladder := verify.Ladder{Task: m.w.Task(), Output: p.Output(), Labels: m.Held.Labels, Float: float, Integer: logits}
	return ladder.Compare()
}

// samplesOf are the samples of a split, one by one.
func samplesOf(s *datasets.Split) [][]uint8 {
	all := make([][]uint8, s.Len())
	for i := range all {
		all[i] = s.Image(i)
	}
	return all
}

// NarrowHint says what helps against a network too wide to export.
func (m *Material) NarrowHint() string {
	switch {
	case slices.ContainsFunc(m.Network.Layers, model.Layer.TableCell):
		return "quantize.accumulator.bits bounds the range of a table's index"
	case m.Network.Tables():
		return "quantize.accumulator.shift leaves low bits out of a table's index, quantize.accumulator.bits bounds its range"
	}
	return smallerHint
}

// unquantized is an error for a recipe that quantizes nothing.
func (w *Workspace) unquantized() error {
	err := fmt.Errorf("recipe %s: quantize.method is none: its network stays in float", w.recipe.Name)
	if w.recipe.ReadsWords() {
		return err
	}
	return hint.With(err, "activations that are no polynomial need lookup tables; a recipe with squares can be quantized")
}
