package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"qtool/internal/hint"
	"qtool/internal/whole"
	"qtool/verify/gate"
)

// gateOptions are the flags of qtool gate.
type gateOptions struct {
	report, baseline string
	format, out      string
	sample           bool
}

func newGateCommand(a *app) *cobra.Command {
	var o gateOptions
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "fail if a report is worse than the committed baseline",
		Long: withExitStatus(`Gate compares a run's report.json with the entry of its recipe in a baseline file
and prints what was compared, what changed, and which samples have other answers.

It demands exactly: no encrypted logit off the integer reference, the baseline's
bundle and all its integer logits, the same static bounds, the same test set, all
of it encrypted, and figures that follow from the answers. Accuracy is compared by
an exact paired test (McNemar) with the level and the minimum effect that the
baseline states; sizes, noise, security and flips with its budgets.

A partial run fails. With --allow-sample its samples are compared with the first of
the baseline's, and the result says that it is of a sample.

With --out the result goes to a file in the given format, and to stdout as text.`),
		Example: `  qtool gate --report lenet/report.json --baseline accuracy.json
  qtool gate --report lenet/report.json --baseline accuracy.json --format junit --out gate.xml
  qtool gate update --report lenet/report.json --baseline accuracy.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.json && !cmd.Flags().Changed("format") {
				o.format = "json"
			}
			return runGate(a, o)
		},
	}
	registerGate(cmd, &o)
	cmd.Flags().StringVar(&o.format, "format", "text", "text, json, markdown, junit or sarif")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json", "markdown", "junit", "sarif"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().StringVar(&o.out, "out", "", "file for the result (default stdout)")
	cmd.Flags().BoolVar(&o.sample, "allow-sample", false, "compare the samples of a partial run only")
	cmd.AddCommand(newGateUpdateCommand(a))
	return cmd
}

func registerGate(cmd *cobra.Command, o *gateOptions) {
	cmd.Flags().StringVar(&o.report, "report", "", "report.json of a run, or - for stdin (required)")
	cmd.Flags().StringVar(&o.baseline, "baseline", "", "the committed baseline (required)")
	cmd.MarkFlagRequired("report")
	cmd.MarkFlagRequired("baseline")
}

func runGate(a *app, o gateOptions) error {
	if err := gate.CheckFormat(o.format); err != nil {
		return err
	}
	for _, input := range []string{o.report, o.baseline} {
		if whole.OnePath(o.out, input) {
			return fmt.Errorf("--out %s is one of the files that are compared", o.out)
		}
	}
	// An older result must not stand for this one if it comes to nothing.
	if o.out != "" && o.out != "-" {
		if err := os.Remove(o.out); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	r, err := gate.ReadReport(o.report)
	if err != nil {
		return err
	}
	b, err := gate.ReadBaseline(o.baseline)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.With(err, "make a baseline of a report you trust: "+updateCommand(o))
	}
	if err != nil {
		return err
	}
	result := gate.Check(r, b, gate.Options{AllowSample: o.sample})
	if err := a.writeGate(result, o); err != nil {
		return err
	}
	if result.Updatable() {
		return hint.With(result.Err(), "if the change is meant, accept it and commit the file: "+updateCommand(o))
	}
	return result.Err()
}

// writeGate writes the result to the file and to stdout.
func (a *app) writeGate(result *gate.Result, o gateOptions) error {
	if o.out == "" || o.out == "-" {
		return result.Write(a.stdout, o.format, o.baseline)
	}
	var b bytes.Buffer
	if err := result.Write(&b, o.format, o.baseline); err != nil {
		return err
	}
	if err := whole.WriteFile(o.out, b.Bytes()); err != nil {
		return err
	}
	return result.Write(a.stdout, "text", o.baseline)
}

func updateCommand(o gateOptions) string {
	return fmt.Sprintf("qtool gate update --report %s --baseline %s", o.report, o.baseline)
}

func newGateUpdateCommand(a *app) *cobra.Command {
	var o gateOptions
	cmd := &cobra.Command{
		Use:   "update",
		Short: "make the baseline's entry, or renew it, from a report",
		Long: withExitStatus(`Update puts a report into the baseline as the entry of its recipe and prints what
changed. The file is created if there is none; other recipes stay as they are.

Budgets, the level and the minimum effect of the accuracy test, and the bundle mode
of an entry that exists are kept: they are edited by hand. A report that no baseline
could accept is refused: a partial run, a mismatch, another dataset under the same
recipe, a budget that is passed.`),
		Example: "  qtool gate update --report lenet/report.json --baseline accuracy.json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runGateUpdate(a, o) },
	}
	registerGate(cmd, &o)
	return cmd
}

// gateUpdate is what gate update prints with --json.
type gateUpdate struct {
	Baseline string   `json:"baseline"`
	Recipe   string   `json:"recipe"`
	Changes  []string `json:"changes"`
}

func runGateUpdate(a *app, o gateOptions) error {
	r, err := gate.ReadReport(o.report)
	if err != nil {
		return err
	}
	old, err := gate.ReadBaseline(o.baseline)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b, err := gate.Update(old, r)
	if err != nil {
		return err
	}
	u := gateUpdate{o.baseline, r.Recipe, gate.Changes(old, b, r.Recipe)}
	if err := b.WriteFile(o.baseline); err != nil {
		return err
	}
	if a.json {
		return a.encode(u)
	}
	p := &printer{w: a.stdout}
	p.f("wrote %s, recipe %s\n", u.Baseline, u.Recipe)
	for _, c := range u.Changes {
		p.f("  %s\n", c)
	}
	if len(u.Changes) == 0 {
		p.f("  nothing changed\n")
	}
	return p.err
}
