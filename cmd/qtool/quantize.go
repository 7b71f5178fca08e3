package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"qtool/calibrate"
	"qtool/pipeline"
)

func newQuantizeCommand(a *app) *cobra.Command {
	var flags recipeFlags
	var checkpoint, method, calibration string
	var maps []string
	var explained bool
	cmd := &cobra.Command{
		Use:   "quantize",
		Short: "quantize a trained network and export its integer bundle",
		Long: withExitStatus(`Quantize turns a float checkpoint into quantized.safetensors and model.qb, the
integer program with its static bounds. The checkpoint is the folder's own
float.safetensors, or the one given by --checkpoint, which may be a safetensors
file of any tool (float32, or float16, bfloat16 and float64 that float32 holds):
its tensors are the network's by name and shape, --map renames them.

  --method ptq  chooses scales from the weights and from calibration samples
  --method qat  then trains on with fake quantization in the graph

Without --method the recipe decides; with it, what the recipe says for another
method alone is left out, as with --set quantize.method. Bits are set there: quantize.weights.bits,
quantize.input.bits.

  --calibration NAME  finds the input's range with that observer: minmax,
                      moving_average, percentile, mse or kl
  --calibration all   quantizes without training in every way: each observer, then
                      each option of quantize.ptq on the best of them, then all
                      options; prints a table of the integer programs' accuracies on
                      the training samples that data.validation holds out, and
                      writes the best, recipe.yaml included

  --explain  says of every layer how much signal its quantizer keeps, how much it
             clamps, how far the static bound is from the calibration range,
             and the accuracy with this layer alone quantized and with this
             layer alone left in float, on the training samples that
             data.validation holds out; ends with the layer that hurts most. With
             --resume it explains what is in the folder already. The parameters of
             layers left in float are the float checkpoint's after ptq, and after
             qat the trained weights before rounding.`),
		Example: `  qtool quantize -c mnist-lenet1-square --out lenet
  qtool quantize -c mnist-lenet1-square --out lenet6 --checkpoint lenet/float.safetensors \
      --method ptq --set quantize.weights.bits=5
  qtool quantize -c mine.yaml --method ptq --checkpoint torch.safetensors \
      --map features.0=conv1 --map classifier=fc
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
			o, err := flags.options(a)
			if err != nil {
				return err
			}
			made, err := pipeline.Quantize(cmd.Context(), o, pipeline.QuantizeOptions{Checkpoint: checkpoint, Maps: maps, Compare: calibration == calibrateAll, Explain: explained})
			if err != nil {
				return err
			}
			return a.printMade(made)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "float checkpoint to quantize (default float.safetensors in the folder)")
	cmd.Flags().StringArrayVar(&maps, "map", nil, "theirs=ours: what a tensor of --checkpoint, or all that begin so before a point, are called here")
	cmd.Flags().StringVar(&calibration, "calibration", "", "observer of the input's range, or all to compare them (default: as the recipe says)")
	cmd.RegisterFlagCompletionFunc("calibration", cobra.FixedCompletions(append([]string{calibrateAll}, calibrate.Observers...), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&explained, "explain", false, "say what each layer's quantization costs")
	cmd.Flags().StringVar(&method, "method", "", "ptq or qat (default: as the recipe says)")
	return cmd
}

// calibrateAll is the value of --calibration that compares.
const calibrateAll = "all"
