package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"qtool/bench"
	"qtool/bench/committed"
	"qtool/datasets"
	"qtool/internal/progress"
	"qtool/kernel/cpu"
	"qtool/recipe"
)

// Recipes that bench takes where none is named: those whose data is at hand.
var (
	benchRecipes      = []string{"mnist-lenet1-square", "mnist-fc-square", "mnist-cryptonets", "mnist-fc-sigmoid"}
	benchOffline      = []string{"digits-lenet1-square", "digits-fc-sigmoid"}
	benchQuickRecipes = benchOffline[:1]
)

type benchOptions struct {
	recipes  []string
	quick    bool
	portable bool
	kernels  bool
	rounds   int
	profile  string
	compare  bool
}

func newBenchCommand(a *app) *cobra.Command {
	o := benchOptions{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "measure how fast this machine trains and evaluates under encryption",
		Long: withExitStatus(`Bench measures kernels, training and encrypted evaluation on this machine, beside
the same with portable Go instead of vector instructions. Two processes measure in
turn, so that both meet the same machine; each figure is the median of some rounds,
and the spread (largest - smallest, of the median) tells how much other work there
was. Logits that differ from the integer reference, or of approximate back ends are
farther from it than stated, or portable kernels that train another network, are
an error.

Kernels run on one core and are held against the most that the same core does in
registers, or copying memory. All else is time on the wall, on all cores:

  training       seconds of an epoch of the recipe's training images, augmented, or
                 of its sentences
  images/s       a full batch: keys, encryption, evaluation, decryption; so with
                 sentences/s, where a batch through polynomial gates, of half a minute
                 or more, has one round, and --quick leaves portable Go out
  one image      evaluation alone, in packed ciphertexts; by blind rotation it is
                 predicted: all look-ups of a sample at the pace of a few
  look-up        microseconds of one core in a batch of all slots; by blind rotation,
                 milliseconds on all cores

Networks are trained for a few steps only: they cost what finished ones cost, but
for the sizes of their integers. Without --recipe, the recipes are some of MNIST
where its files are at hand, and of generated digits otherwise.

QTOOL_CPU=avx2 measures what a processor without AVX-512 would use.

With --compare, figures stand beside those of docs/performance.md for the same class of
processors, which is the level of the kernels in use, and those that are more than 1.5
times slower are named: a build that lost its kernels shows. It is no error, as machines
of a class differ, and as other work makes all figures worse.`),
		Example: `  qtool bench
  qtool bench --quick
  qtool bench --compare
  qtool bench --recipe mnist-lenet1-square --recipe mnist-fc-sigmoid --json
  qtool bench --recipe sentiment-lstm-5 --kernels=false`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBench(cmd.Context(), a, o) },
	}
	cmd.Flags().StringArrayVar(&o.recipes, "recipe", nil, "recipe to measure: a name or a path ending in .yaml; may be repeated")
	cmd.RegisterFlagCompletionFunc("recipe", cobra.FixedCompletions(recipe.Names(), cobra.ShellCompDirectiveDefault))
	cmd.Flags().BoolVar(&o.quick, "quick", false, "one round and one small recipe: some seconds, and rough")
	cmd.Flags().BoolVar(&o.portable, "portable", true, "measure the portable twins too")
	cmd.Flags().BoolVar(&o.kernels, "kernels", true, "measure kernels too")
	cmd.Flags().IntVar(&o.rounds, "rounds", 3, "rounds of each figure")
	cmd.Flags().BoolVar(&o.compare, "compare", false, "show the committed figures of the same class of processors beside")
	cmd.Flags().StringVar(&o.profile, "profile", "", "folder for CPU profiles of the recipes' figures, for go tool pprof")
	return cmd
}

func runBench(ctx context.Context, a *app, o benchOptions) error {
	if o.rounds < 1 || o.rounds > 1000 {
		return fmt.Errorf("rounds: %d is outside 1..1000", o.rounds)
	}
	var beside *bench.Result
	if o.compare { // what is not there is said before anything is measured
		if err := cpu.Err(); err != nil {
			return err
		}
		var err error
		if beside, err = committed.Of(cpu.Active.String()); err != nil {
			return err
		}
	}
	options := bench.Options{
		Recipes: o.recipes, Data: a.dataDir, Kernels: o.kernels, Portable: o.portable && cpu.Active != cpu.Portable,
		Short: o.quick, Rounds: o.rounds, Steps: 100, Slice: 60 * time.Millisecond, Command: measuringProcess,
	}
	if o.quick {
		options.Rounds, options.Steps, options.Slice = 1, 10, 20*time.Millisecond
	}
	if len(options.Recipes) == 0 {
		var err error
		if options.Recipes, err = a.benchDefault(ctx, o.quick); err != nil {
			return err
		}
	}
	for _, name := range options.Recipes {
		if _, err := recipe.Load(name, nil); err != nil {
			return err
		}
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
		options.Profile = o.profile
	}
	var bar *progress.Bar
	options.Progress = func(done, total int, what string) {
		if bar == nil {
			bar = progress.New(a.progress(), total, what)
		}
		bar.SetTotal(total)
		bar.Describe(what)
		bar.Set(done)
	}
	r, err := bench.Run(ctx, options)
	if err != nil {
		bar.Abandon()
		return err
	}
	bar.Finish()
	if beside != nil {
		r.Compare(beside)
	}
	if a.json {
		return a.encode(r)
	}
	p := &printer{w: a.stdout}
	p.bench(r)
	return p.err
}

// benchDefault is the recipes for a machine: the MNIST recipes if MNIST is at hand.
func (a *app) benchDefault(ctx context.Context, quick bool) ([]string, error) {
	if quick {
		return benchQuickRecipes, nil
	}
	_, err := datasets.Load(ctx, "mnist", datasets.Options{Dir: a.dataDir, Offline: true})
	if errors.Is(err, datasets.ErrMissing) {
		return benchOffline, nil
	}
	return benchRecipes, err
}

// measuringProcess is this program again, as what bench.Run talks to.
func measuringProcess(ctx context.Context, portable bool) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	cmd := exec.CommandContext(ctx, self, benchServe)
	cmd.Args[0] = os.Args[0]
	if portable {
		// Of equal names the last counts.
		cmd.Env = append(os.Environ(), cpu.Variable+"="+cpu.Portable.String())
	}
	return cmd
}

const benchServe = "bench-serve"

// newBenchServeCommand is the process that measures; no user calls it.
func newBenchServeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: benchServe, Hidden: true, Args: cobra.NoArgs,
		Short: "answer the requests of qtool bench",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Serve(cmd.Context(), os.Stdin, a.stdout)
		},
	}
}
