package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"qtool/bundle"
	"qtool/internal/hint"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/train"
)

// QuantizeOptions are what Quantize does beside what the recipe says.
type QuantizeOptions struct {
	Checkpoint string // the float network; "" is the folder's own
	// Maps rename tensors of a checkpoint that another tool wrote: theirs=ours.
	Maps []string
	// Compare quantizes in every way without training and takes the best; see Calibrate.
	Compare bool
	// Explain says of each layer what its quantization costs.
	Explain bool
}

// Quantize is what qtool quantize does: it quantizes a float network and exports its
// bundle.
func Quantize(ctx context.Context, o Options, q QuantizeOptions) (*Made, error) {
	return within(o, func(w *Workspace) (*Made, error) { return w.quantizeAll(ctx, q) })
}

func (w *Workspace) quantizeAll(ctx context.Context, o QuantizeOptions) (*Made, error) {
	if len(o.Maps) > 0 && o.Checkpoint == "" {
		return nil, ErrNoCheckpoint
	}
	for _, f := range []struct {
		on   bool
		flag string
	}{{o.Compare, "--calibration all"}, {o.Explain, "--explain"}} {
		if f.on {
			if err := w.NeedHeldOut(f.flag); err != nil {
				return nil, err
			}
		}
	}
	if w.recipe.Quantize.Method == "none" {
		return nil, w.unquantized()
	}
	if o.Checkpoint == "" {
		o.Checkpoint = w.Path(FileFloat)
	}
	float, err := w.ReadFloat(o.Checkpoint, o.Maps)
	if err != nil {
		return nil, err
	}
	if err := w.Open(ctx, FloatFiles...); err != nil {
		return nil, err
	}
	if err := w.Adopt(o.Checkpoint, float); err != nil {
		return nil, err
	}
	var calibrations *Calibrations
	if o.Compare {
		if calibrations, err = w.Calibrate(ctx, float); err != nil {
			return nil, err
		}
	}
	c, err := w.Quantized(ctx, float)
	if err != nil {
		return nil, err
	}
	f, sqnr, err := w.Export(c)
	if err != nil {
		return nil, err
	}
	made := &Made{}
	if o.Explain {
		if made.Explanation, err = w.explain(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := w.Commit(); err != nil {
		return nil, err
	}
	explanation := made.Explanation
	made = w.made(c, FileQuantized, w.recipe.Quantize.Method)
	made.Bundle, made.Program, made.SQNR = w.Path(FileBundle), f.Program, sqnr
	made.Calibrations, made.Explanation = calibrations, explanation
	return made, nil
}

// Adopt checks that a float checkpoint is of the recipe's network and keeps a copy of
// it in the folder, so that the folder is whole. A resumed quantization keeps to
// the checkpoint that it began with.
func (w *Workspace) Adopt(path string, c *model.Checkpoint) error {
	if err := w.material.fits(path, c); err != nil {
		return err
	}
	if c.Provenance == (model.Provenance{}) { // another tool's
		var err error
		if c.Provenance, err = w.provenance(train.OwnFloat); err != nil {
			return err
		}
	}
	b, err := c.Encode()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	switch kept, _, err := whole.SHA256(w.Path(FileFloat)); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case kept == hex.EncodeToString(sum[:]):
		return nil
	case w.Resume:
		return hint.With(fmt.Errorf("%s: cannot resume: %s there is another checkpoint than %s", w.Dir, FileFloat, path), "run without --resume to start afresh")
	}
	if err := errors.Join(w.forgetTraining(), w.forgetRecords()); err != nil {
		return err
	}
	return c.WriteFile(w.Path(FileFloat))
}

// Quantized is the stage quantize: it makes the quantized checkpoint, or returns what a
// resumed run had finished of it.
func (w *Workspace) Quantized(ctx context.Context, float *model.Checkpoint) (*model.Checkpoint, error) {
	method := w.recipe.Quantize.Method
	if c, err := w.finished(quantizeStage, method); c != nil || err != nil {
		return c, err
	}
	if !w.Resume {
		delete(w.training, "qat") // of an earlier quantization
		delete(w.training, "ptq")
	}
	q, err := w.material.round(ctx, float)
	if err != nil {
		return nil, err
	}
	if method == "qat" {
		t, err := q.finetuning(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := w.fit(ctx, "qat", t); err != nil {
			return nil, err
		}
	} else if log, err := q.log(ctx); err != nil {
		return nil, err
	} else if log != nil {
		if err := w.logTraining("ptq", *log); err != nil {
			return nil, err
		}
	}
	c := q.checkpoint()
	return c, w.complete(c, quantizeStage, "qat", method)
}

// observedSamples is how many training samples fill in a bundle's seen ranges,
// and goldenSamples how many of them become golden vectors.
const (
	observedSamples = 200
	goldenSamples   = 4
)

// Export is the stage export: it writes the bundle of a quantized checkpoint and returns
// it with each layer's SQNR in decibels, nil where that is not known.
func (w *Workspace) Export(c *model.Checkpoint) (*bundle.File, []float64, error) {
	f, sqnr, err := w.material.file(c)
	if err != nil {
		return nil, nil, err
	}
	from := c.Provenance
	f.Provenance = bundle.Provenance{
		Recipe: from.Recipe, RecipeSHA256: from.RecipeSHA256, Dataset: from.Dataset, DatasetSHA256: from.DatasetSHA256,
		Seed: from.Seed, Versions: trainingVersions(),
	}
	if f.Provenance.FloatSHA256, _, err = whole.SHA256(w.Path(FileFloat)); err != nil {
		return nil, nil, err
	}
	if f.Provenance.QuantizedSHA256, _, err = whole.SHA256(w.Path(FileQuantized)); err != nil {
		return nil, nil, err
	}
	if err := f.WriteFile(w.Path(FileBundle)); err != nil {
		return nil, nil, err
	}
	return f, sqnr, keep(w.Path, exportStage)
}
