package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qtool/datasets"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/pipeline/folder"
	"qtool/recipe"
)

// Options say what is run, and where.
type Options struct {
	Env
	Recipe *recipe.Recipe // not changed
	Dir    string         // the run's folder, which is made where there is none
	// Resume goes on with what an interrupted run left in the folder. Without it
	// everything is made anew.
	Resume bool
	// AllowInsecure takes encryption parameters below 128 bits of security.
	AllowInsecure bool
}

// Workspace is a run folder and what its stages share. It is not safe for concurrent use.
type Workspace struct {
	Options
	recipe   *recipe.Recipe
	material *Material      // nil before it is loaded
	folder   *folder.Folder // locked; nil before it is opened and after it is closed
	data     *datasets.Dataset
	training map[string]TrainingLog
}

// New is the workspace of a run. It touches nothing yet.
func New(o Options) *Workspace {
	return &Workspace{Options: o, recipe: o.Recipe}
}

// Recipe is what the run follows: the recipe that it was given or, after Calibrate, the
// recipe of the best calibration.
func (w *Workspace) Recipe() *recipe.Recipe { return w.recipe }

// Data is the run's dataset, once it is open.
func (w *Workspace) Data() *datasets.Dataset { return w.data }

// Path is where a file of the run is now: in the folder, or in the one inside it where
// new results are kept apart until they are complete.
func (w *Workspace) Path(name string) string {
	if w.folder == nil {
		return filepath.Join(w.Dir, name)
	}
	return w.folder.Path(name)
}

// Open is the stage data: it loads the data, creates the folder and writes the resolved
// recipe. Results of an earlier run stay in the folder until Commit; unfinished work of
// one that began afresh is dropped. inherits are files that the new run takes over.
func (w *Workspace) Open(ctx context.Context, inherits ...string) error {
	if err := w.load(ctx); err != nil {
		return err
	}
	return w.Prepare(inherits...)
}

// Prepare is Open for data that are loaded already.
func (w *Workspace) Prepare(inherits ...string) error {
	if w.folder == nil {
		f, err := folder.Open(w.Dir)
		if err != nil {
			return lockHint(err)
		}
		w.folder = f
	}
	var err error
	if w.Resume {
		err = w.folder.Resume(w.resumable)
	} else {
		err = w.folder.Begin(trainedResults(), unfinishedFiles, inherits)
	}
	if err != nil {
		return err
	}
	if err := w.writeRecipe(); err != nil {
		return err
	}
	w.training, err = ReadTrainingLogs(w.Path(FileTraining))
	return err
}

// writeRecipe keeps the resolved recipe in the folder, with paths from there.
func (w *Workspace) writeRecipe() error {
	b, err := w.recipe.At(w.Dir).Encode()
	if err != nil {
		return err
	}
	return whole.WriteFile(w.Path(FileRecipe), b)
}

// provenance is what a checkpoint of this run says of itself.
func (w *Workspace) provenance(stage string) (model.Provenance, error) {
	sum, err := w.recipe.SHA256()
	return model.Provenance{
		Recipe: w.recipe.Name, RecipeSHA256: sum, Dataset: datasets.ShortName(w.data.Name), DatasetSHA256: w.data.SHA256,
		Seed: w.recipe.Seed, Stage: stage, Version: Version,
	}, err
}

// identity is what a training state must belong to.
func (w *Workspace) identity(stage string) (string, error) {
	p, err := w.provenance(stage)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(struct {
		model.Provenance
		Draws int `json:"draws"`
	}{p, draws})
	return string(b), err
}

// draws is the version of how datasets.Split.Draw draws: 1 took the first images, 2
// takes a draw of all, stratified by class. A training that began with other images
// cannot go on.
const draws = 2

// finished reads a checkpoint that an earlier, resumed run completed; nil where
// there is none.
func (w *Workspace) finished(s Stage, stage string) (*model.Checkpoint, error) {
	if !w.Resume {
		return nil, nil
	}
	name := s.Outputs[0]
	c, err := model.ReadCheckpoint(w.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	want, err := w.provenance(stage)
	if err != nil {
		return nil, err
	}
	if c.Provenance != want {
		return nil, fmt.Errorf("%s: cannot resume: it is of %+v, this run is %+v", w.Path(name), c.Provenance, want)
	}
	if err := w.belongs(s); err != nil {
		return nil, err
	}
	return c, nil
}

// complete writes a stage's checkpoint, which then is of this run, drops its training
// state, and records it.
func (w *Workspace) complete(c *model.Checkpoint, s Stage, stage, of string) error {
	var err error
	if c.Provenance, err = w.provenance(of); err != nil {
		return err
	}
	if err := c.WriteFile(w.Path(s.Outputs[0])); err != nil {
		return err
	}
	if err := os.Remove(w.Path(stage + ".state")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return keep(w.Path, s)
}
