// Package tune looks for the bits and degrees of a network that give the most accuracy for
// what they cost under encryption. Package pareto chooses what is tried; this package says
// what a candidate is worth, fine-tunes the best, and predicts what they cost.
package tune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"qtool/internal/hint"
	"qtool/model"
	"qtool/pipeline"
)

// Options say what is searched, and how far.
type Options struct {
	pipeline.Options
	Checkpoint string // float network to start from; "": the recipe's is trained
	// Maps rename tensors of a checkpoint that another tool wrote: theirs=ours.
	Maps       []string
	Candidates int // to try, 1..100000
	Front      int // how many of the front to fine-tune at most, 1..1000
	Epochs     int // of fine-tuning for each, 0..10000; 0 quantizes without training
}

func (o Options) validate() error {
	for _, f := range []struct {
		name          string
		value, lo, hi int
	}{{"candidates", o.Candidates, 1, 100000}, {"front", o.Front, 1, 1000}, {"finetune-epochs", o.Epochs, 0, 10000}} {
		if f.value < f.lo || f.value > f.hi {
			return fmt.Errorf("--%s: %d is outside %d..%d", f.name, f.value, f.lo, f.hi)
		}
	}
	return nil
}

// Run searches, fine-tunes the front, and leaves search.json, search.svg and a run folder
// of each point in the folder of the search. Finished candidates are kept while it runs: a
// search that is resumed takes the same way.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if len(o.Maps) > 0 && o.Checkpoint == "" {
		return nil, pipeline.ErrNoCheckpoint
	}
	w := pipeline.New(o.Options)
	if err := searchable(w); err != nil {
		return nil, err
	}
	if err := w.Hold(); err != nil {
		return nil, err
	}
	defer w.Leave()
	float, err := floatOf(ctx, w, o.Checkpoint, o.Maps)
	if err != nil {
		return nil, err
	}
	s, err := newSearcher(ctx, w, w.Material(), float, o)
	if err != nil {
		return nil, err
	}
	r, err := s.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.draw(w.Path(pipeline.FileSearchPicture)); err != nil {
		return nil, err
	}
	if err := r.writeFile(w.Path(pipeline.FileSearch)); err != nil {
		return nil, err
	}
	if err := w.Commit(); err != nil {
		return nil, err
	}
	if err := os.Remove(w.Path(pipeline.StateSearch)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return r, nil
}

// searchable refuses recipes whose encrypted cost nothing predicts.
func searchable(w *pipeline.Workspace) error {
	r := w.Recipe()
	tables := r.Network.Tables()
	recurrent := slices.ContainsFunc(r.Network.Layers, model.Layer.Recurrent)
	switch b := r.Verify.Backend; {
	case recurrent && b != "auto" && (b != "pbs" || !tables) && (b != "packed-ckks" || tables):
		return hint.With(fmt.Errorf("recipe %s: verify.backend %s: search predicts the cost of recurrent networks for auto, of those with tables for pbs, of others for packed-ckks", r.Name, b), "--set verify.backend=auto")
	case b == "auto" || recurrent || b == "bgv" || b == "pbs" && tables:
	case tables:
		return hint.With(fmt.Errorf("recipe %s: verify.backend %s: search predicts the cost of tables for auto, bgv and pbs", r.Name, b), "--set verify.backend=auto")
	default:
		return hint.With(fmt.Errorf("recipe %s: verify.backend %s: search predicts the cost of polynomials for auto and bgv, which encrypt whole batches", r.Name, b), "--set verify.backend=auto")
	}
	if r.Quantize.Method == "none" {
		return fmt.Errorf("recipe %s: quantize.method is none: its network stays in float", r.Name)
	}
	return w.NeedHeldOut("search")
}

// floatOf opens the folder and is the float network there: trained, or the
// checkpoint's.
func floatOf(ctx context.Context, w *pipeline.Workspace, checkpoint string, maps []string) (*model.Checkpoint, error) {
	if checkpoint == "" {
		if err := w.Open(ctx); err != nil {
			return nil, err
		}
		return w.Float(ctx)
	}
	float, err := w.ReadFloat(checkpoint, maps)
	if err != nil {
		return nil, err
	}
	if err := w.Open(ctx, pipeline.FloatFiles...); err != nil {
		return nil, err
	}
	return float, w.Adopt(checkpoint, float)
}
