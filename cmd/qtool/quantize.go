package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"qtool/calibrate"
	"qtool/model"
)

func newQuantizeCommand(a *app) *cobra.Command {
	var flags recipeFlags
	var checkpoint, method, calibration string
	var explained bool
	cmd := &cobra.Command{
		Use:   "quantize",
		Short: "quantize a trained network and export its integer bundle",
		Long: withExitStatus(`Quantize turns a float checkpoint into quantized.safetensors and model.qb, the
integer program with its proved ranges. The checkpoint is the folder's own
float.safetensors, or the one given by --checkpoint.

  --method ptq  chooses scales from the weights and from calibration images
  --method qat  then trains on with fake quantization in the graph

Without --method the recipe decides; with it, what the recipe says for another
method alone is left out, as with --set quantize.method. Bits are set there: quantize.weights.bits,
quantize.input.bits.

  --calibration NAME  finds the input's range with that observer: minmax,
                      moving_average, percentile, mse or kl
  --calibration all   quantizes without training in every way: each observer, then
                      each option of quantize.ptq on the best of them, then all
                      options; prints a table of the integer programs' accuracies on
                      the training images that data.validation holds out, and
                      writes the best, recipe.yaml included

  --explain  says of every layer how much signal its quantizer keeps, how much it
             clamps, how far the proved range is from the range seen on calibration
             images, and the accuracy with this layer alone quantized and with this
             layer alone left in float, on the training images that
             data.validation holds out; ends with the layer that hurts most. With
             --resume it explains what is in the folder already. The parameters of
             layers left in float are the float checkpoint's after ptq, and after
             qat the trained weights before rounding.`),
		Example: `  qtool quantize -c mnist-lenet1-square --out lenet
  qtool quantize -c mnist-lenet1-square --out lenet6 --checkpoint lenet/float.safetensors \
      --method ptq --set quantize.weights.bits=5
  qtool quantize -c mnist-lenet1-square --out best4 --checkpoint lenet/float.safetensors \
      --calibration all
  qtool quantize -c lenet/recipe.yaml --out lenet --resume --explain`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if method != "" {
				if method != "ptq" && method != "qat" {
					return fmt.Errorf("method %q is unknown: want ptq or qat", method)
				}
				if err := flags.choose("--method", "quantize.method", method); err != nil {
					return err
				}
			}
			var err error
			switch {
			case calibration == "":
			case calibration == calibrateAll && (method == "qat" || flags.resume):
				return fmt.Errorf("--calibration all compares quantization without training, from the start: neither --method qat nor --resume goes with it")
			case calibration == calibrateAll:
				err = flags.choose("--calibration all", "quantize.method", "ptq")
			case slices.Contains(calibrate.Observers, calibration):
				err = flags.choose("--calibration", "quantize.input.observer", calibration)
			default:
				err = fmt.Errorf("calibration %q is unknown: want all or one of %s", calibration, strings.Join(calibrate.Observers, ", "))
			}
			if err != nil {
				return err
			}
			w, err := flags.workspace(a)
			if err != nil {
				return err
			}
			return runQuantize(cmd.Context(), w, quantizeOptions{checkpoint, calibration == calibrateAll, explained})
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "float checkpoint to quantize (default float.safetensors in the folder)")
	cmd.Flags().StringVar(&calibration, "calibration", "", "observer of the input's range, or all to compare them (default: as the recipe says)")
	cmd.RegisterFlagCompletionFunc("calibration", cobra.FixedCompletions(append([]string{calibrateAll}, calibrate.Observers...), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&explained, "explain", false, "say what each layer's quantization costs")
	cmd.Flags().StringVar(&method, "method", "", "ptq or qat (default: as the recipe says)")
	return cmd
}

// calibrateAll is the value of --calibration that compares.
const calibrateAll = "all"

// quantizeOptions are the flags of quantize that are no part of the recipe.
type quantizeOptions struct {
	checkpoint       string // "" is the folder's own
	compare, explain bool
}

func runQuantize(ctx context.Context, w *workspace, o quantizeOptions) error {
	if err := w.hold(); err != nil {
		return err
	}
	defer w.leave()
	if w.recipe.Sentence != nil {
		return quantizeSentences(ctx, w, o)
	}
	for _, f := range []struct {
		on   bool
		flag string
	}{{o.compare, "--calibration all"}, {o.explain, "--explain"}} {
		if f.on {
			if err := w.needHeldOut(f.flag); err != nil {
				return err
			}
		}
	}
	if w.recipe.Quantize.Method == "none" {
		return hinted{
			fmt.Errorf("recipe %s: quantize.method is none: its network stays in float", w.recipe.Name),
			"activations that are no polynomial need lookup tables; a recipe with squares can be quantized",
		}
	}
	if o.checkpoint == "" {
		o.checkpoint = w.path(fileFloat)
	}
	float, err := readFloat(o.checkpoint)
	if err != nil {
		return err
	}
	if err := w.open(ctx, floatFiles...); err != nil {
		return err
	}
	if err := w.adopt(o.checkpoint, float); err != nil {
		return err
	}
	if o.compare {
		if w.calibrations, err = w.compareCalibrations(ctx, float); err != nil {
			return err
		}
		if err := w.writeRecipe(); err != nil {
			return err
		}
	}
	c, err := w.quantize(ctx, float)
	if err != nil {
		return err
	}
	f, sqnr, err := w.export(c)
	if err != nil {
		return err
	}
	if o.explain {
		if w.explanation, err = w.explain(ctx, c); err != nil {
			return err
		}
	}
	if err := w.commit(); err != nil {
		return err
	}
	return w.printStage(c.Params.Count(), c.Provenance, fileQuantized, w.recipe.Quantize.Method, w.val != nil, layerRows(f.Program, sqnr)...)
}

// readFloat reads a checkpoint that quantization is to start from.
func readFloat(path string) (*model.Checkpoint, error) {
	c, err := model.ReadCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted{fmt.Errorf("no float checkpoint: %w", err), "qtool train makes one, or name one with --checkpoint"}
	}
	if err != nil {
		return nil, err
	}
	if c.Quantizers != nil {
		return nil, fmt.Errorf("%s is quantized already: quantize starts from a float checkpoint", path)
	}
	return c, nil
}

// adopt checks that a checkpoint is of the recipe's network and keeps a copy of
// it in the folder, so that the folder is whole. A resumed quantization keeps to
// the checkpoint that it began with.
func (w *workspace) adopt(path string, c *model.Checkpoint) error {
	if err := c.Params.Check(w.network); err != nil {
		return fmt.Errorf("%s does not fit recipe %s: %w", path, w.recipe.Name, err)
	}
	have, err := json.Marshal(c.Network.Unfitted())
	if err != nil {
		return err
	}
	want, err := json.Marshal(w.network.Unfitted())
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s does not fit recipe %s: its network is %s, the recipe's %s", path, w.recipe.Name, have, want)
	}
	sum, _, err := fileSHA256(path)
	if err != nil {
		return err
	}
	switch kept, _, err := fileSHA256(w.path(fileFloat)); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case kept == sum:
		return nil
	case w.resume:
		return hinted{fmt.Errorf("%s: cannot resume: %s there is another checkpoint than %s", w.dir, fileFloat, path), "run without --resume to start afresh"}
	}
	if err := w.forgetTraining(); err != nil {
		return err
	}
	return c.WriteFile(w.path(fileFloat))
}
