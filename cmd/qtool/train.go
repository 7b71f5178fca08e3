package main

import (
	"github.com/spf13/cobra"

	"qtool/pipeline"
)

func newTrainCommand(a *app) *cobra.Command {
	var flags recipeFlags
	cmd := &cobra.Command{
		Use:   "train",
		Short: "train a recipe's network in float",
		Long: withExitStatus(`Train fits the recipe's network and writes float.safetensors and training.json
to the folder. The recipe and the seed give the same file, byte for byte.

The test set is not touched: epochs are scored on samples held out of the training
set. Ctrl-C saves the state; --resume goes on and ends with the same weights.`),
		Example: `  qtool train -c mnist-lenet1-square --out lenet
  qtool train -c mnist-fc-square --set train.epochs=3 --set train.learning_rate=0.001`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := flags.options(a)
			if err != nil {
				return err
			}
			made, err := pipeline.Train(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.printMade(made)
		},
	}
	flags.register(cmd)
	return cmd
}
