package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/cobra"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/pipeline/folder"
	"qtool/recipe"
	"qtool/report"
	"qtool/verify"
	"qtool/verify/gate"
)

const fileHTML = "report.html"

func newReportCommand(a *app) *cobra.Command {
	var s reportSource
	var out string
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "draw a run as one self-contained HTML page",
		Long: withExitStatus(`Report draws what a run folder holds: the accuracy of each rung with its interval,
the confusion matrix, the images whose answer changed, training curves, weights
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
			s.dir = args[0]
			return runReport(cmd.Context(), a, s, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "HTML file, or - for stdout (default report.html in the folder)")
	cmd.Flags().StringVar(&s.bundle, "bundle", "", "the bundle that was verified, its run's files beside it (default model.qb in the folder)")
	return cmd
}

func runReport(ctx context.Context, a *app, s reportSource, out string) error {
	if out == "" {
		held, err := folder.OpenExisting(s.dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return lockHint(err)
		}
		if err == nil {
			defer held.Close()
		}
	}
	html, err := a.drawReport(ctx, s)
	if err != nil {
		return err
	}
	if out == "-" {
		_, err := a.stdout.Write(html)
		return err
	}
	if out == "" {
		out = filepath.Join(s.dir, fileHTML)
	}
	if err := maybe.WriteFile(out, html, 0o644); err != nil {
		return err
	}
	if a.json {
		return a.encode(map[string]any{"file": out, "bytes": len(html)})
	}
	_, err = fmt.Fprintf(a.stdout, "wrote %s, %s\n", out, size(int64(len(html))))
	return err
}

// writeReport writes report.json, and report.html or, where html is nil, none: a page of
// an earlier report never stands beside a later one.
func writeReport(dir string, r *verify.Report, html []byte) error {
	page := filepath.Join(dir, fileHTML)
	// Both are complete before either is in its place.
	t, err := os.MkdirTemp(dir, ".report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(t)
	if err := r.WriteFile(filepath.Join(t, fileReport)); err != nil {
		return err
	}
	if html != nil {
		if err := maybe.WriteFile(filepath.Join(t, fileHTML), html, 0o644); err != nil {
			return err
		}
	}
	if err := os.Remove(page); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(filepath.Join(t, fileReport), filepath.Join(dir, fileReport)); err != nil || html == nil {
		return err
	}
	return os.Rename(filepath.Join(t, fileHTML), page)
}

// reportSource says where a report is drawn from.
type reportSource struct {
	dir    string
	bundle string            // "": model.qb in dir
	data   *datasets.Dataset // nil: loaded by name
	report *verify.Report    // nil: report.json in dir
}

// beside is the path of a file of the run that made the bundle.
func (s reportSource) beside(name string) string {
	if s.bundle == "" {
		return filepath.Join(s.dir, name)
	}
	return filepath.Join(filepath.Dir(s.bundle), name)
}

// drawReport reads a run folder and draws it.
func (a *app) drawReport(ctx context.Context, s reportSource) ([]byte, error) {
	r := s.report
	if r == nil {
		var err error
		if r, err = readReport(filepath.Join(s.dir, fileReport)); err != nil {
			return nil, err
		}
	}
	in := report.Input{Report: r}
	if err := s.readBundle(&in); err != nil {
		return nil, err
	}
	sentences := text.Known(r.Dataset)
	if sentences {
		in.Notes = append(in.Notes, "The network reads sentences: weights, activations and examples are not drawn.")
	} else if err := s.readCheckpoints(&in); err != nil {
		return nil, err
	}
	if err := s.readTraining(&in); err != nil {
		return nil, err
	}
	resolved, err := s.readRecipe(&in)
	if err != nil {
		return nil, err
	}
	if sentences {
		return report.Build(in)
	}
	if err := a.readImages(ctx, s, resolved, &in); err != nil {
		return nil, err
	}
	return report.Build(in)
}

func readReport(path string) (*verify.Report, error) {
	b, err := whole.Bytes(path, gate.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted{fmt.Errorf("no report: %w", err), "qtool run makes one, and so does qtool verify-encrypted --out"}
	}
	if err != nil {
		return nil, err
	}
	r := &verify.Report{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Schema != verify.ReportSchema {
		return nil, fmt.Errorf("%s: %w: schema %d, this version reads %d", path, model.ErrVersion, r.Schema, verify.ReportSchema)
	}
	return r, nil
}

// readBundle reads the bundle that the report is of.
func (s reportSource) readBundle(in *report.Input) error {
	if in.Report.BundleSHA256 == "" {
		return nil
	}
	path := s.bundle
	if path == "" {
		path = s.beside(fileBundle)
	}
	found, err := sameFile(path, in.Report.BundleSHA256, "the report is of bundle")
	if err != nil {
		return err
	}
	if !found && s.bundle != "" {
		return fmt.Errorf("bundle %s: %w", path, fs.ErrNotExist)
	}
	if !found {
		in.Notes = append(in.Notes, fmt.Sprintf("No %s beside report.json: what needs the bundle is left out.", fileBundle))
		return nil
	}
	in.Bundle, err = bundle.ReadFile(path)
	return err
}

// readCheckpoints reads the networks that the bundle was made of; without a
// bundle, the float network.
func (s reportSource) readCheckpoints(in *report.Input) error {
	var float, quantized string
	if in.Bundle != nil {
		float, quantized = in.Bundle.Provenance.FloatSHA256, in.Bundle.Provenance.QuantizedSHA256
	}
	for _, c := range []struct {
		name, sum string
		into      **model.Checkpoint
		want      bool
	}{
		{fileFloat, float, &in.Float, in.Bundle != nil || in.Report.BundleSHA256 == ""},
		{fileQuantized, quantized, &in.Quantized, in.Bundle != nil},
	} {
		if !c.want {
			continue
		}
		path := s.beside(c.name)
		found, err := sameFile(path, c.sum, "the bundle was made of")
		if err != nil {
			return err
		}
		if !found {
			in.Notes = append(in.Notes, fmt.Sprintf("No %s: what needs it is left out.", c.name))
			continue
		}
		if *c.into, err = model.ReadCheckpoint(path); err != nil {
			return err
		}
	}
	return nil
}

// sameFile reports whether a file is there, and refuses it if its hash is not
// the one that is wanted ("": any).
func sameFile(path, want, what string) (found bool, err error) {
	have, _, err := fileSHA256(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if want != "" && have != want {
		return false, hinted{
			fmt.Errorf("%s has SHA-256 %s, %s %s", path, have, what, want),
			"the files of the folder are of different runs; run or verify again",
		}
	}
	return true, nil
}

// readTraining reads the histories, float training first.
func (s reportSource) readTraining(in *report.Input) error {
	path := s.beside(fileTraining)
	logs, err := readTrainingLogs(path)
	if err != nil {
		return err
	}
	stages := []string{"float", "qat"}
	var others []string
	for stage := range logs {
		if !slices.Contains(stages, stage) {
			others = append(others, stage)
		}
	}
	slices.Sort(others)
	for _, stage := range append(stages, others...) {
		log, ok := logs[stage]
		if !ok || len(log.History) == 0 {
			continue
		}
		t := report.Training{Stage: stage, Best: log.Best, Seconds: log.Seconds}
		for _, e := range log.History {
			t.Epochs = append(t.Epochs, report.Epoch{Epoch: e.Epoch, Loss: e.Loss, Accuracy: e.Accuracy, Validation: e.Validation})
		}
		in.Training = append(in.Training, t)
	}
	return nil
}

// readRecipe reads the resolved recipe; nil where it is not there.
func (s reportSource) readRecipe(in *report.Input) (*recipe.Recipe, error) {
	path := s.beside(fileRecipe)
	b, err := whole.Bytes(path, recipe.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		in.Notes = append(in.Notes, fmt.Sprintf("No %s: activations are left out, because it names the calibration images.", fileRecipe))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := recipe.Load(path, nil)
	if err != nil {
		return nil, err
	}
	if r.Name != in.Report.Recipe || r.Seed != in.Report.Seed {
		return nil, fmt.Errorf("%s is of recipe %q with seed %d, the report of %q with seed %d", path, r.Name, r.Seed, in.Report.Recipe, in.Report.Seed)
	}
	in.Recipe = string(b)
	return r, nil
}

// readImages loads the dataset, which is no part of the folder: where it cannot
// be had, or is another one by now, the report goes without pictures and says
// so. Nothing is downloaded.
func (a *app) readImages(ctx context.Context, s reportSource, r *recipe.Recipe, in *report.Input) error {
	d := s.data
	if d == nil {
		var err error
		d, err = datasets.Load(ctx, in.Report.Dataset, datasets.Options{Dir: a.dataDir, Offline: true})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			in.Notes = append(in.Notes, fmt.Sprintf("The dataset could not be loaded, so no image is drawn: %v.", err))
			return nil
		}
	}
	if d.SHA256 != in.Report.DatasetSHA256 {
		in.Notes = append(in.Notes, fmt.Sprintf("Dataset %s is not the one that was answered, so no image is drawn: its content hash is %s, the report's %s.", d.Name, d.SHA256, in.Report.DatasetSHA256))
		return nil
	}
	in.Test = d.Test
	if r == nil {
		return nil
	}
	images, err := observedSplit(d, r)
	in.Calibration = images
	return err
}

// observedSplit is the training images that filled in a bundle's seen ranges.
func observedSplit(d *datasets.Dataset, r *recipe.Recipe) (*datasets.Split, error) {
	images := d.Train
	if n := r.Data.Images; n > 0 {
		images = images.First(n)
	}
	if n := r.Data.Validation; n > 0 {
		var err error
		if images, _, err = images.Holdout(n, r.Seed); err != nil {
			return nil, err
		}
	}
	return images.First(observedImages), nil
}
