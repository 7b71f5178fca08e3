package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"qtool/internal/hint"
	"qtool/pipeline"
	"qtool/recipe"
)

const defaultRecipe = "digits-lenet1-square"

// recipeFlags are the flags of every command that follows a recipe.
type recipeFlags struct {
	name   string
	sets   []string
	out    string
	resume bool
}

func (f *recipeFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.name, "config", "c", defaultRecipe, "recipe: a name (see qtool recipes) or a path ending in .yaml")
	cmd.RegisterFlagCompletionFunc("config", cobra.FixedCompletions(recipe.Names(), cobra.ShellCompDirectiveDefault))
	cmd.Flags().StringArrayVar(&f.sets, "set", nil, "override a key of the recipe, as in train.epochs=3 or network.layers.conv1.channels=8")
	cmd.Flags().StringVar(&f.out, "out", "", "folder for the results (default runs/<recipe>)")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "go on with what an interrupted run left in the folder")
}

// choose overrides a key by a flag of its own, which must agree with what --set
// says of the key.
func (f *recipeFlags) choose(flag, key, value string) error {
	for _, s := range f.sets {
		if k, v, _ := strings.Cut(s, "="); k == key && v != value {
			return fmt.Errorf("%s sets %s=%s, and --set %s: give one of the two", flag, key, value, s)
		}
	}
	f.sets = append(f.sets, key+"="+value)
	return nil
}

// options loads the recipe and names the folder.
func (f *recipeFlags) options(a *app) (pipeline.Options, error) {
	r, err := recipe.Load(f.name, f.sets)
	var unused *recipe.UnusedError
	if errors.As(err, &unused) && strings.HasPrefix(unused.For, "quantize.method") {
		return pipeline.Options{}, hint.With(err, "--set quantize.method=... leaves out by itself what a recipe says for its own method alone")
	}
	if err != nil {
		return pipeline.Options{}, err
	}
	dir := f.out
	if dir == "" {
		dir = filepath.Join("runs", r.Name)
	}
	return pipeline.Options{Env: a.env(), Recipe: r, Dir: dir, Resume: f.resume}, nil
}

func newRunCommand(a *app) *cobra.Command {
	var flags recipeFlags
	var insecure bool
	var from string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "do everything a recipe says: train, quantize, export, verify encrypted",
		Long: withExitStatus(`Run trains the recipe's network, quantizes it, exports the integer bundle, and
runs the bundle under homomorphic encryption on the whole test set, or on the first
samples of it (verify.encrypted_limit). It ends with a table of the four accuracies:
float, quantized, integer and encrypted.

The folder given by --out then holds
  recipe.yaml            the recipe with every default and --set filled in
  float.safetensors      the trained network
  quantized.safetensors  its weights and quantizers after quantization
  model.qb               the integer bundle
  training.json          loss and accuracy of every epoch
  report.json            every figure of the table, and more
  report.html            the same to look at, in one file

Ctrl-C stops in good order; the same command with --resume goes on.

One command at a time has the folder, and what is in it is of one run. Results of an
earlier run stay until the new ones are complete, which wait in .unfinished inside the
folder; then they replace them all at once, and a note says what was replaced.

With --from the recipe is the one that a finished run left in its folder, and the
new bundle must be that run's, byte for byte.`),
		Example: `  qtool run
  qtool run -c mnist-lenet1-square --out lenet
  qtool run -c mnist-fc-square --set quantize.weights.bits=3 --set seed=7
  qtool run -c mnist-lenet1-square --set train.epochs=1 --set verify.encrypted_limit=100
  qtool run --from lenet --out again`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from != "" {
				return runAgain(cmd.Context(), a, pipeline.Options{Env: a.env(), Dir: flags.out, Resume: flags.resume, AllowInsecure: insecure}, from)
			}
			o, err := flags.options(a)
			if err != nil {
				return err
			}
			o.AllowInsecure = insecure
			outcome, err := pipeline.Run(cmd.Context(), o)
			return errors.Join(a.printOutcome(outcome), err)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&from, "from", "", "repeat the run of this folder (default --out: the folder with -again added)")
	cmd.MarkFlagsMutuallyExclusive("from", "config")
	cmd.MarkFlagsMutuallyExclusive("from", "set")
	registerInsecure(cmd, &insecure)
	return cmd
}

func registerInsecure(cmd *cobra.Command, insecure *bool) {
	cmd.Flags().BoolVar(insecure, "allow-insecure-parameters", false, "accept parameters below 128-bit security: the ciphertexts protect nothing")
}

// runAgain repeats a finished run.
func runAgain(ctx context.Context, a *app, o pipeline.Options, from string) error {
	outcome, err := pipeline.Again(ctx, o, from)
	if err := errors.Join(a.printOutcome(outcome), err); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stderr, "qtool: reproduced: %s is byte for byte the bundle of %s\n", filepath.Join(outcome.Dir, pipeline.FileBundle), from)
	return err
}

// printOutcome prints the table of a run, if there is one.
func (a *app) printOutcome(o *pipeline.Outcome) error {
	if o == nil {
		return nil
	}
	var note strings.Builder
	p := &printer{w: &note}
	for _, stage := range []string{"float", "ptq", "qat"} {
		p.outside(stage, o.Training[stage])
	}
	p.f("Everything is in %s: all figures in %s, pictures in %s.", o.Dir, pipeline.FileReport, pipeline.FileHTML)
	return a.print(o.Report, note.String())
}
