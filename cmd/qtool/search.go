package main

import (
	"github.com/spf13/cobra"

	"qtool/tune"
)

func newSearchCommand(a *app) *cobra.Command {
	var flags recipeFlags
	var o tune.Options
	cmd := &cobra.Command{
		Use:   "search",
		Short: "find the bits and degrees of each layer that give the most accuracy for their encrypted cost",
		Long: withExitStatus(`Search trains the recipe's network in float (or takes --checkpoint), and looks for
the bits of the input and of each layer's weights that give the best accuracy for
what they cost under encryption. Of a polynomial whose interval is measured (key
percentile) it looks for the degree too; of a lookup table for the bits of its
values and of its domain, which the layer before it is bounded to.

A candidate is quantized without training (scales of least squared error, biases
corrected); its accuracy is the integer program's on the training samples that
data.validation holds out, its cost what the encryption parameters for its static
bound need for the whole test set. Bits that no parameters carry are infeasible.
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
			var err error
			if o.Options, err = flags.options(a); err != nil {
				return err
			}
			r, err := tune.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if a.json {
				return a.encode(r)
			}
			p := &printer{w: a.stdout}
			p.search(r, o.Dir)
			return p.err
		},
	}
	flags.register(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Checkpoint, "checkpoint", "", "float checkpoint to start from, or a safetensors file of another tool (default: train one)")
	f.StringArrayVar(&o.Maps, "map", nil, "theirs=ours: what a tensor of --checkpoint, or all that begin so before a point, are called here")
	f.IntVar(&o.Candidates, "candidates", 60, "how many candidates to try")
	f.IntVar(&o.Front, "front", 8, "how many of the front to fine-tune at most")
	f.IntVar(&o.Epochs, "finetune-epochs", 2, "epochs of fine-tuning for each; 0 quantizes without training")
	return cmd
}
