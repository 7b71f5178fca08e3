package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"qtool/internal/hint"
	"qtool/kernel/cpu"
	"qtool/pipeline"
)

// app is what every command shares.
type app struct {
	stdout, stderr io.Writer
	dataDir        string
	quiet          bool
	json           bool
}

// progress is where bars go; nil when they are not wanted.
func (a *app) progress() io.Writer {
	if a.quiet {
		return nil
	}
	return a.stderr
}

func newRootCommand(stdout, stderr io.Writer) *cobra.Command {
	a := &app{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "qtool",
		Short: "networks for homomorphic encryption: trained, quantized, verified encrypted",
		Long: `qtool trains networks, quantizes them to integers, exports them as bundles, and
verifies the bundles under real homomorphic encryption on a whole test set.

A first tour:
  qtool run                                 everything, on generated digits, in a minute or two
  qtool recipes                             what can be run
  qtool run -c mnist-lenet1-square --out lenet
  qtool inspect lenet/model.qb              the integer program and its static bounds
  qtool verify-encrypted --bundle lenet/model.qb --limit 100
  qtool data show mnist --out mnist.png     look at the data

` + exitStatusHelp,
		Version:       pipeline.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			err := cpu.Err()
			if v := (*cpu.VariableError)(nil); errors.As(err, &v) {
				return hint.With(err, "unset "+v.Variable+" to use what the processor has")
			}
			return err
		},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	f := root.PersistentFlags()
	f.StringVar(&a.dataDir, "data", "", "folder of datasets (before $QTOOL_DATA and the user cache)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress bars")
	f.BoolVar(&a.json, "json", false, "results as JSON on stdout")
	root.AddCommand(
		newRunCommand(a), newTrainCommand(a), newQuantizeCommand(a), newVerifyCommand(a),
		newSearchCommand(a), newInspectCommand(a), newPlanCommand(a), newKeygenCommand(a), newEncryptCommand(a), newInferCommand(a), newDecryptCommand(a),
		newReportCommand(a), newGateCommand(a), newDataCommand(a), newRecipesCommand(a),
		newBenchCommand(a), newServeCommand(a), newQueryCommand(a), newBenchServeCommand(a),
	)
	return root
}

// withExitStatus ends a help text the way every one ends.
func withExitStatus(long string) string { return long + "\n\n" + exitStatusHelp }
