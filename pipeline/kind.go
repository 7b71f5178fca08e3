package pipeline

import (
	"context"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/train"
	"qtool/verify"
)

// kind is what networks of one kind of sample do in their own way. It is chosen once,
// by newKind; all else is the same for every kind.
type kind interface {
	family
	// load reads the data that the recipe names and checks that they and the network go
	// together. Its test split has the labels of all test samples.
	load(ctx context.Context) (*datasets.Dataset, error)
	// initial is the network that a stage trains, as it begins.
	initial(stage string) (Checkpoint, error)
	// training is the training of c's parameters that a stage does in float.
	training(c Checkpoint, stage string) (*training, error)
	// round quantizes a float network without training it.
	round(ctx context.Context, float Checkpoint) (rounded, error)
	// file is the bundle of a quantized network, without provenance, and each layer's
	// SQNR in decibels, nil where it is not known.
	file(c Checkpoint) (*bundle.File, []float64, error)
	// test are the test samples as inputs of the bundle.
	test() *datasets.Split
	// fits refuses the checkpoint of another network than the recipe's.
	fits(path string, c Checkpoint) error
	// validated reports whether epochs are scored on samples that are not trained on.
	validated() bool
	// images is the kind itself where it is of images; where not, the error says that
	// what needs it is not for this recipe.
	images(what string) (*Images, error)
	// unquantized is advice on a recipe that quantizes nothing, "" for none.
	unquantized() string
}

// family is what there is to a kind of network without a recipe: it reads checkpoints
// and answers test samples with them.
type family interface {
	// read reads a checkpoint file.
	read(path string) (Checkpoint, error)
	// predict answers the first test samples, as many as test has, with a float network.
	predict(ctx context.Context, c Checkpoint, test *datasets.Split) (verify.Rung, error)
	// quantizedAnswers answers test with a quantized network, and says of each layer how
	// it drifts from the program, where that is known.
	quantizedAnswers(ctx context.Context, c Checkpoint, p *bundle.Program, test *datasets.Split) (verify.Rung, []export.Drift, error)
	// exported is the bundle that a checkpoint exports, with what f has seen.
	exported(c Checkpoint, f *bundle.File) (*bundle.File, error)
}

// training is a training of a kind, ready to run.
type training struct {
	config  train.Config
	samples int // of an epoch
	run     func(ctx context.Context, progress func(train.Progress)) (*train.Result, error)
	// look, if not nil, adds to the log what can be seen of the trained network.
	look func(ctx context.Context, p model.Parameters, log *TrainingLog) error
	// resume is what to do about a training that was interrupted.
	resume string
}

// rounded is a network that was quantized without training.
type rounded interface {
	// finetuning is the training with quantization, which changes the network.
	finetuning(ctx context.Context) (*training, error)
	// log is what can be seen of a network that is not fine-tuned, nil for nothing.
	log(ctx context.Context) (*TrainingLog, error)
	// checkpoint is the network as it is now.
	checkpoint() Checkpoint
}

// newKind chooses what the recipe's network reads.
func newKind(w *Workspace) kind {
	if w.recipe.Sentence != nil {
		return &sentences{w: w}
	}
	return &Images{w: w, told: new(bool)}
}
