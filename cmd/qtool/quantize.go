package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"qtool/model"
)

func newQuantizeCommand(a *app) *cobra.Command {
	var flags recipeFlags
	var checkpoint, method string
	cmd := &cobra.Command{
		Use:   "quantize",
		Short: "quantize a trained network and export its integer bundle",
		Long: withExitStatus(`Quantize turns a float checkpoint into quantized.safetensors and model.qb, the
integer program with its proved ranges. The checkpoint is the folder's own
float.safetensors, or the one given by --checkpoint.

  --method ptq  chooses scales from the weights and from calibration images
  --method qat  then trains on with fake quantization in the graph

Without --method the recipe decides. Bits are set there: quantize.weights.bits,
quantize.input.bits.`),
		Example: `  qtool quantize -c mnist-lenet1-square --out lenet
  qtool quantize -c mnist-lenet1-square --out lenet6 --checkpoint lenet/float.safetensors \
      --method ptq --set quantize.weights.bits=5`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if method != "" {
				if method != "ptq" && method != "qat" {
					return fmt.Errorf("method %q is unknown: want ptq or qat", method)
				}
				flags.sets = append(flags.sets, "quantize.method="+method)
			}
			w, err := flags.workspace(a)
			if err != nil {
				return err
			}
			return runQuantize(cmd.Context(), w, checkpoint)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "float checkpoint to quantize (default float.safetensors in the folder)")
	cmd.Flags().StringVar(&method, "method", "", "ptq or qat (default: as the recipe says)")
	return cmd
}

func runQuantize(ctx context.Context, w *workspace, checkpoint string) error {
	if w.recipe.Quantize.Method == "none" {
		return hinted{
			fmt.Errorf("recipe %s: quantize.method is none: its network stays in float", w.recipe.Name),
			"activations that are no polynomial need lookup tables; a recipe with squares can be quantized",
		}
	}
	if checkpoint == "" {
		checkpoint = w.path(fileFloat)
	}
	float, err := model.ReadCheckpoint(checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("no float checkpoint: %w", err), "qtool train makes one, or name one with --checkpoint"}
	}
	if err != nil {
		return err
	}
	if float.Quantizers != nil {
		return fmt.Errorf("%s is quantized already: quantize starts from a float checkpoint", checkpoint)
	}
	if err := w.open(ctx, quantizedFiles...); err != nil {
		return err
	}
	if err := w.adopt(checkpoint, float); err != nil {
		return err
	}
	c, err := w.quantize(ctx, float)
	if err != nil {
		return err
	}
	f, sqnr, err := w.export(c)
	if err != nil {
		return err
	}
	return w.printStage(c, fileQuantized, w.recipe.Quantize.Method, layerRows(f.Program, sqnr)...)
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
	return c.WriteFile(w.path(fileFloat))
}
