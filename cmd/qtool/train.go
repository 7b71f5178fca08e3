package main

import (
	"context"

	"github.com/spf13/cobra"

	"qtool/explain"
	"qtool/model"
)

func newTrainCommand(a *app) *cobra.Command {
	var flags recipeFlags
	cmd := &cobra.Command{
		Use:   "train",
		Short: "train a recipe's network in float",
		Long: withExitStatus(`Train fits the recipe's network and writes float.safetensors and training.json
to the folder. The recipe and the seed give the same file, byte for byte.

The test set is not touched: epochs are scored on images held out of the training
set. Ctrl-C saves the state; --resume goes on and ends with the same weights.`),
		Example: `  qtool train -c mnist-lenet1-square --out lenet
  qtool train -c mnist-fc-square --set train.epochs=3 --set train.learning_rate=0.001`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := flags.workspace(a)
			if err != nil {
				return err
			}
			return runTrain(cmd.Context(), w)
		},
	}
	flags.register(cmd)
	return cmd
}

func runTrain(ctx context.Context, w *workspace) error {
	if err := w.hold(); err != nil {
		return err
	}
	defer w.leave()
	if w.recipe.Sentence != nil {
		return trainSentences(ctx, w)
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	c, err := w.trainFloat(ctx)
	if err != nil {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	return w.printStage(c.Params.Count(), c.Provenance, fileFloat, "float", w.val != nil)
}

// stageResult is what train and quantize print with --json.
type stageResult struct {
	Checkpoint string           `json:"checkpoint"`
	Bundle     string           `json:"bundle,omitempty"`
	Parameters int              `json:"parameters"`
	Provenance model.Provenance `json:"provenance"`
	Training   *trainingLog     `json:"training,omitempty"`
	Layers     []layerRow       `json:"layers,omitempty"`
	// Calibration is the comparison of quantize --calibration all.
	Calibration *calibrationTable `json:"calibration,omitempty"`
	// Explanation is that of quantize --explain.
	Explanation *explain.Report `json:"explain,omitempty"`
}
