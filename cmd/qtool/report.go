package main

import (
	"context"
	"fmt"
	"path/filepath"

	"qtool/internal/whole"
	"qtool/pipeline"

	"github.com/spf13/cobra"
)

func newReportCommand(a *app) *cobra.Command {
	var s pipeline.Source
	var out string
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "draw a run as one self-contained HTML page",
		Long: withExitStatus(`Report draws what a run folder holds: the accuracy of each stage of the ladder with its interval,
the confusion matrix, the samples whose answer changed, training curves, weights
and activations on their grids, noise, time and cost, and how to reproduce it all.

The page is one file. It loads nothing and runs no script, so it can be mailed,
kept as a CI artifact, or opened from disk. It is drawn from report.json; the other
files of the folder, and the dataset, fill in more where they are there. Nothing is
downloaded, and files of another run are refused.`),
		Example: `  qtool report lenet
  qtool report lenet --out lenet.html
  qtool report checked --bundle lenet/model.qb    after verify-encrypted --out checked`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Dir = args[0]
			return runReport(cmd.Context(), a, s, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "HTML file, or - for stdout (default report.html in the folder)")
	cmd.Flags().StringVar(&s.Bundle, "bundle", "", "the bundle that was verified, its run's files beside it (default model.qb in the folder)")
	return cmd
}

func runReport(ctx context.Context, a *app, s pipeline.Source, out string) error {
	if out == "" {
		held, err := pipeline.HoldFolder(s.Dir)
		if err != nil {
			return err
		}
		defer held.Close()
	}
	s.Env = a.env()
	html, err := pipeline.Draw(ctx, s)
	if err != nil {
		return err
	}
	if out == "-" {
		_, err := a.stdout.Write(html)
		return err
	}
	if out == "" {
		out = filepath.Join(s.Dir, pipeline.FileHTML)
	}
	if err := whole.WriteFile(out, html); err != nil {
		return err
	}
	if a.json {
		return a.encode(map[string]any{"file": out, "bytes": len(html)})
	}
	_, err = fmt.Fprintf(a.stdout, "wrote %s, %s\n", out, size(int64(len(html))))
	return err
}
