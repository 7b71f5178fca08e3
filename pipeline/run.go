package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/internal/hint"
	"qtool/internal/memory"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/recipe"
	"qtool/task"
	"qtool/verify"
)

// Outcome is what a run ended with.
type Outcome struct {
	Dir    string
	Report *verify.Report
	// Training has the log of every stage that trained, and of ptq what polynomials see.
	Training map[string]TrainingLog
}

// Run does everything that a recipe says: it trains, quantizes, exports and verifies. The
// outcome is complete in the folder when it returns; it comes with an error that wraps
// verify.ErrMismatch where the encrypted stage of the ladder disagrees. With any other error there is no
// outcome, and what was in the folder before is still there.
func Run(ctx context.Context, o Options) (*Outcome, error) {
	return within(o, func(w *Workspace) (*Outcome, error) { return w.run(ctx) })
}

func (w *Workspace) run(ctx context.Context) (*Outcome, error) {
	if w.AllowInsecure && w.recipe.Quantize.Method == "none" {
		return nil, fmt.Errorf("--allow-insecure-parameters: recipe %s encrypts nothing, quantize.method is none", w.recipe.Name)
	}
	if w.recipe.Quantize.Method != "none" {
		if err := checkCarried(w.recipe); err != nil {
			return nil, err
		}
	}
	if err := w.Open(ctx); err != nil {
		return nil, err
	}
	float, err := w.Float(ctx)
	if err != nil {
		return nil, err
	}
	if w.recipe.Quantize.Method == "none" {
		report, err := w.floatReport(ctx, float)
		if err != nil {
			return nil, err
		}
		return w.Publish(ctx, report)
	}
	quantized, err := w.Quantized(ctx, float)
	if err != nil {
		return nil, err
	}
	f, sqnr, err := w.Export(quantized)
	if err != nil {
		return nil, err
	}
	report, err := w.Verify(ctx, float, quantized, f, sqnr)
	if err != nil {
		return nil, err
	}
	return w.Publish(ctx, report)
}

// Verify is the stage verify: it answers the test samples with the float and the quantized
// network, with the integer program, and with the program under encryption, as the recipe
// says. Parameters are chosen, or refused, first. What is finished is kept in the folder's
// StateVerify until Publish.
func (w *Workspace) Verify(ctx context.Context, float, quantized *model.Checkpoint, f *bundle.File, sqnr []float64) (*verify.Report, error) {
	task, err := w.verification(ctx, f)
	if err != nil {
		return nil, err
	}
	if task.answers, err = answer(ctx, float, quantized, f.Program, w.data.Test.First(task.test.Len()), task.test); err != nil {
		return nil, err
	}
	task.sqnr = sqnr
	var size int64
	if task.sum, size, err = whole.SHA256(w.Path(FileBundle)); err != nil {
		return nil, err
	}
	report, err := w.verify(ctx, task)
	if err != nil {
		return nil, err
	}
	report.TestImages, report.Bytes.Bundle = w.data.Test.Len(), size
	return report, nil
}

// floatReport is of a run whose recipe quantizes nothing.
func (w *Workspace) floatReport(ctx context.Context, float *model.Checkpoint) (*verify.Report, error) {
	test, err := limited(w.data.Test, w.recipe.Verify.Limit, w.data.Unit())
	if err != nil {
		return nil, fmt.Errorf("verify.%w", err)
	}
	r, err := answer(ctx, float, nil, nil, test, nil)
	if err != nil {
		return nil, err
	}
	ladder := verify.Ladder{
		Task: w.Task(), Labels: test.Labels, Float: r.float.Answers, FloatValues: r.float.Values,
	}
	comparison, err := ladder.Compare()
	if err != nil {
		return nil, err
	}
	report := &verify.Report{
		Schema: verify.ReportSchema, Recipe: w.recipe.Name, Seed: w.recipe.Seed,
		Dataset: datasets.ShortName(w.data.Name), DatasetSHA256: w.data.SHA256, TestImages: w.data.Test.Len(), Noun: w.data.Unit().One, Task: task.Classification,
		PeakRSSBytes: memory.Peak(), Layers: []verify.Layer{}, Versions: versions(),
	}
	report.Apply(comparison)
	return report, nil
}

// Publish ends a run: it adds the training times, writes report.json and report.html, and
// puts all results in the place of an earlier run's. With the outcome comes an error that
// wraps verify.ErrMismatch where the encrypted stage of the ladder disagrees.
func (w *Workspace) Publish(ctx context.Context, report *verify.Report) (*Outcome, error) {
	report.Seconds.Train = w.training["float"].Seconds
	report.Seconds.Quantize = w.training["qat"].Seconds
	html, err := Draw(ctx, Source{Env: w.Env, Dir: w.Path(""), data: w.data, report: report})
	if err != nil {
		return nil, err
	}
	if err := writeReport(w.Path(""), report, html); err != nil {
		return nil, err
	}
	if err := keep(w.Path, verifyStage); err != nil {
		return nil, err
	}
	if err := w.Commit(); err != nil {
		return nil, err
	}
	if err := verify.RemoveLog(w.Path(StateVerify)); err != nil {
		return nil, err
	}
	return &Outcome{Dir: w.Dir, Report: report, Training: w.training}, report.Err()
}

// Again repeats the finished run of a folder, in o.Dir or, where that is "", beside it
// with -again added. The recipe is the folder's; o's is not looked at. It returns an error
// that wraps ErrNotReproduced, and the outcome, if the new bundle has other bytes.
func Again(ctx context.Context, o Options, from string) (*Outcome, error) {
	before, _, err := whole.SHA256(filepath.Join(from, FileBundle))
	if err != nil {
		return nil, hint.With(fmt.Errorf("no finished run to repeat: %w", err), "--from names the folder of a run that made a bundle")
	}
	if o.Dir == "" {
		o.Dir = filepath.Clean(from) + "-again"
	}
	if filepath.Clean(o.Dir) == filepath.Clean(from) || whole.OnePath(o.Dir, from) {
		return nil, fmt.Errorf("--out %s is the run to be repeated: name another folder", o.Dir)
	}
	if o.Recipe, err = recipe.Load(filepath.Join(from, FileRecipe), nil); err != nil {
		return nil, err
	}
	outcome, err := Run(ctx, o)
	if err != nil {
		return outcome, err
	}
	made := filepath.Join(o.Dir, FileBundle)
	after, _, err := whole.SHA256(made)
	if err != nil {
		return outcome, err
	}
	if after != before {
		err := fmt.Errorf("%w: %s has SHA-256 %s, the one of %s has %s", ErrNotReproduced, made, after, from, before)
		if _, found := os.Stat(filepath.Join(from, recordsFile)); errors.Is(found, fs.ErrNotExist) {
			err = hint.With(err, "an earlier version made that run, from other draws of samples: it cannot be repeated, but its bundle can be verified as before")
		}
		return outcome, err
	}
	return outcome, nil
}

// ErrNotReproduced marks a repeated run that made another bundle.
var ErrNotReproduced = errors.New("the run was not reproduced")
