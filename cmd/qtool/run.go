package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"qtool/model"
	"qtool/recipe"
	"qtool/verify"
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

// workspace loads the recipe and names the folder.
func (f *recipeFlags) workspace(a *app) (*workspace, error) {
	r, err := recipe.Load(f.name, f.sets)
	var unused *recipe.UnusedError
	if errors.As(err, &unused) && strings.HasPrefix(unused.For, "quantize.method") {
		return nil, hinted{err, "--set quantize.method=... leaves out by itself what a recipe says for its own method alone"}
	}
	if err != nil {
		return nil, err
	}
	dir := f.out
	if dir == "" {
		dir = filepath.Join("runs", r.Name)
	}
	return &workspace{app: a, dir: dir, recipe: r, resume: f.resume}, nil
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
images of it (verify.encrypted_limit). It ends with a table of the four accuracies:
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
				return runAgain(cmd.Context(), a, &flags, from, insecure)
			}
			w, err := flags.workspace(a)
			if err != nil {
				return err
			}
			return runRun(cmd.Context(), w, insecure)
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

func runRun(ctx context.Context, w *workspace, insecure bool) error {
	if insecure && w.recipe.Quantize.Method == "none" {
		return fmt.Errorf("--allow-insecure-parameters: recipe %s encrypts nothing, quantize.method is none", w.recipe.Name)
	}
	if err := w.hold(); err != nil {
		return err
	}
	defer w.leave()
	if w.recipe.Sentence != nil {
		return runSentences(ctx, w, insecure)
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	float, err := w.trainFloat(ctx)
	if err != nil {
		return err
	}
	if w.recipe.Quantize.Method == "none" {
		return w.reportFloat(ctx, float)
	}
	quantized, err := w.quantize(ctx, float)
	if err != nil {
		return err
	}
	f, sqnr, err := w.export(quantized)
	if err != nil {
		return err
	}
	task, err := w.verification(ctx, f, w.data.Test, insecure)
	if err != nil {
		return err
	}
	if task.rungs, err = answer(ctx, float, quantized, f.Program, task.test); err != nil {
		return err
	}
	task.sqnr = sqnr
	return w.verifyRun(ctx, task)
}

// verifyRun is the end of a run: the check of its bundle, and the report.
func (w *workspace) verifyRun(ctx context.Context, task verification) (err error) {
	var size int64
	if task.sum, size, err = fileSHA256(w.path(fileBundle)); err != nil {
		return err
	}
	report, err := w.verifyBundle(ctx, task)
	if err != nil {
		return err
	}
	report.TestImages, report.Bytes.Bundle = w.data.Test.Len(), size
	return w.publish(ctx, report)
}

// runAgain repeats a finished run from its own folder and compares the bundles.
func runAgain(ctx context.Context, a *app, flags *recipeFlags, from string, insecure bool) error {
	before, _, err := fileSHA256(filepath.Join(from, fileBundle))
	if err != nil {
		return hinted{fmt.Errorf("no finished run to repeat: %w", err), "--from names the folder of a run that made a bundle"}
	}
	flags.name = filepath.Join(from, fileRecipe)
	if flags.out == "" {
		flags.out = filepath.Clean(from) + "-again"
	}
	if filepath.Clean(flags.out) == filepath.Clean(from) || onePath(flags.out, from) {
		return fmt.Errorf("--out %s is the run to be repeated: name another folder", flags.out)
	}
	w, err := flags.workspace(a)
	if err != nil {
		return err
	}
	if err := runRun(ctx, w, insecure); err != nil {
		return err
	}
	after, _, err := fileSHA256(w.path(fileBundle))
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("%w: %s has SHA-256 %s, the one of %s has %s", errNotReproduced, w.path(fileBundle), after, from, before)
	}
	_, err = fmt.Fprintf(a.stderr, "qtool: reproduced: %s is byte for byte the bundle of %s\n", w.path(fileBundle), from)
	return err
}

// errNotReproduced marks a repeated run that made another bundle.
var errNotReproduced = fmt.Errorf("the run was not reproduced")

// reportFloat is the end of a run whose recipe quantizes nothing.
func (w *workspace) reportFloat(ctx context.Context, float *model.Checkpoint) error {
	test, err := limited(w.data.Test, w.recipe.Verify.Limit)
	if err != nil {
		return fmt.Errorf("verify.%w", err)
	}
	r, err := answer(ctx, float, nil, nil, test)
	if err != nil {
		return err
	}
	return w.publishFloat(ctx, r, test.Labels)
}

func (w *workspace) publishFloat(ctx context.Context, r rungs, labels []uint8) error {
	ladder := verify.Ladder{Labels: labels, Float: r.float}
	comparison, err := ladder.Compare()
	if err != nil {
		return err
	}
	report := &verify.Report{
		Schema: verify.ReportSchema, Recipe: w.recipe.Name, Seed: w.recipe.Seed,
		Dataset: w.data.Name, DatasetSHA256: w.data.SHA256, TestImages: w.data.Test.Len(),
		PeakRSSBytes: peakRSS(), Layers: []verify.Layer{}, Versions: versions(),
	}
	report.Apply(comparison)
	return w.publish(ctx, report)
}

// publish adds the training times, writes report.json and report.html, ends the run's
// unfinished work, and prints the table.
func (w *workspace) publish(ctx context.Context, report *verify.Report) error {
	report.Seconds.Train = w.training["float"].Seconds
	report.Seconds.Quantize = w.training["qat"].Seconds
	html, err := w.drawReport(ctx, reportSource{dir: w.path(""), data: w.data, report: report})
	if err != nil {
		return err
	}
	if err := writeReport(w.path(""), report, html); err != nil {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	if err := verify.RemoveLog(w.path(stateVerify)); err != nil {
		return err
	}
	var note strings.Builder
	p := &printer{w: &note}
	for _, stage := range []string{"float", "ptq", "qat"} {
		p.outside(stage, w.training[stage])
	}
	p.f("Everything is in %s: all figures in %s, pictures in %s.", w.dir, fileReport, fileHTML)
	if err := w.print(report, note.String()); err != nil {
		return err
	}
	return checkMismatch(report)
}
