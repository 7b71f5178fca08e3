package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"qtool/model"
)

func newSearchCommand(a *app) *cobra.Command {
	var flags recipeFlags
	var o searchOptions
	cmd := &cobra.Command{
		Use:   "search",
		Short: "find the bits and degrees of each layer that give the most accuracy for their encrypted cost",
		Long: withExitStatus(`Search trains the recipe's network in float (or takes --checkpoint), and looks for
the bits of the input and of each layer's weights that give the best accuracy for
what they cost under encryption. Of a polynomial whose interval is measured (key
percentile) it looks for the degree too; of a lookup table for the bits of its
values and those of its domain, which the layer before it is bounded to.

A candidate is quantized without training (scales of least squared error, biases
corrected); its accuracy is that of the integer program on the training images that
data.validation holds out, its cost what the encryption parameters for its proved
range need for the whole test set. Bits that no parameters carry are infeasible.
The candidates of the Pareto front are then fine-tuned, and the table shows what
they reach. The test set is not touched.

Costs are of a model that is the same on every machine, and nothing is drawn at
random: a search that is killed and resumed gives the same answer. How fast this
machine is, a short measurement at the end tells; it makes the predicted seconds.

The folder given by --out then holds
  search.json   every candidate, and the front with the --set flags of each point
  search.svg    the picture: error against seconds
  points/       a run folder for each fine-tuned point, bundle included
  recipe.yaml, float.safetensors, training.json as qtool train leaves them

Ctrl-C stops in good order; the same command with --resume goes on. A finished
search goes on too, if it is resumed with more --candidates.`),
		Example: `  qtool search -c mnist-lenet1-square --out bits
  qtool search -c mnist-lenet1-square --out bits --checkpoint lenet/float.safetensors \
      --candidates 100 --finetune-epochs 4
  qtool verify-encrypted --bundle bits/points/3-3-3-4/model.qb`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := flags.workspace(a)
			if err != nil {
				return err
			}
			return runSearch(cmd.Context(), w, o)
		},
	}
	flags.register(cmd)
	f := cmd.Flags()
	f.StringVar(&o.checkpoint, "checkpoint", "", "float checkpoint to start from (default: train one)")
	f.IntVar(&o.candidates, "candidates", 60, "how many candidates to try")
	f.IntVar(&o.front, "front", 8, "how many of the front to fine-tune at most")
	f.IntVar(&o.epochs, "finetune-epochs", 2, "epochs of fine-tuning for each; 0 quantizes without training")
	return cmd
}

// searchOptions are the flags of search that are no part of the recipe.
type searchOptions struct {
	checkpoint                string // "": train
	candidates, front, epochs int
}

func (o searchOptions) validate() error {
	for _, f := range []struct {
		name          string
		value, lo, hi int
	}{{"candidates", o.candidates, 1, 100000}, {"front", o.front, 1, 1000}, {"finetune-epochs", o.epochs, 0, 10000}} {
		if f.value < f.lo || f.value > f.hi {
			return fmt.Errorf("--%s: %d is outside %d..%d", f.name, f.value, f.lo, f.hi)
		}
	}
	return nil
}

func runSearch(ctx context.Context, w *workspace, o searchOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := refuseSentences(w.recipe, "search"); err != nil {
		return err
	}
	if err := w.searchable(); err != nil {
		return err
	}
	if err := w.hold(); err != nil {
		return err
	}
	defer w.leave()
	float, err := w.searchedFloat(ctx, o.checkpoint)
	if err != nil {
		return err
	}
	s, err := newSearcher(ctx, w, float, o)
	if err != nil {
		return err
	}
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	if err := w.plotSearch(r); err != nil {
		return err
	}
	if err := r.writeFile(w.path(fileSearch)); err != nil {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	if err := os.Remove(w.path(stateSearch)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if w.json {
		return w.encode(r)
	}
	p := &printer{w: w.stdout}
	p.search(r, w.dir)
	return p.err
}

// searchable refuses recipes whose encrypted cost nothing predicts.
func (w *workspace) searchable() error {
	tables := slices.ContainsFunc(w.recipe.Network.Layers, model.Layer.Tabled)
	switch b := w.recipe.Verify.Backend; {
	case b == "auto" || b == "bgv" || b == "pbs" && tables:
	case tables:
		return hinted{fmt.Errorf("recipe %s: verify.backend %s: search predicts the cost of tables for auto, bgv and pbs", w.recipe.Name, b), "--set verify.backend=auto"}
	default:
		return hinted{fmt.Errorf("recipe %s: verify.backend %s: search predicts the cost of polynomials for auto and bgv, which encrypt whole batches", w.recipe.Name, b), "--set verify.backend=auto"}
	}
	if w.recipe.Quantize.Method == "none" {
		return fmt.Errorf("recipe %s: quantize.method is none: its network stays in float", w.recipe.Name)
	}
	return w.needHeldOut("search")
}

// searchedFloat opens the folder and is the float network there: trained, or the
// checkpoint's.
func (w *workspace) searchedFloat(ctx context.Context, checkpoint string) (*model.Checkpoint, error) {
	var float *model.Checkpoint
	var inherits []string
	if checkpoint != "" {
		var err error
		if float, err = readFloat(checkpoint); err != nil {
			return nil, err
		}
		inherits = floatFiles
	}
	if err := w.open(ctx, inherits...); err != nil {
		return nil, err
	}
	if float == nil {
		return w.trainFloat(ctx)
	}
	return float, w.adopt(checkpoint, float)
}
