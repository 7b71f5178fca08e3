package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/internal/hint"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/recipe"
	"qtool/recipe/material"
	"qtool/report"
	"qtool/verify"
	"qtool/verify/gate"
)

// writeReport writes report.json, and report.html or, where html is nil, none: a page of
// an earlier report never stands beside a later one.
func writeReport(dir string, r *verify.Report, html []byte) error {
	page := filepath.Join(dir, FileHTML)
	// Both are complete before either is in its place.
	t, err := os.MkdirTemp(dir, ".report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(t)
	if err := r.WriteFile(filepath.Join(t, FileReport)); err != nil {
		return whole.Named(filepath.Join(dir, FileReport), err)
	}
	if html != nil {
		if err := whole.WriteFile(filepath.Join(t, FileHTML), html); err != nil {
			return whole.Named(page, err)
		}
	}
	if err := os.Remove(page); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(filepath.Join(t, FileReport), filepath.Join(dir, FileReport)); err != nil || html == nil {
		return err
	}
	return os.Rename(filepath.Join(t, FileHTML), page)
}

// Source says where a report is drawn from.
type Source struct {
	Env
	Dir    string
	Bundle string            // path; "": model.qb in Dir
	data   *datasets.Dataset // nil: loaded by name
	report *verify.Report    // nil: report.json in Dir
}

// beside is the path of a file of the run that made the bundle.
func (s Source) beside(name string) string {
	if s.Bundle == "" {
		return filepath.Join(s.Dir, name)
	}
	return filepath.Join(filepath.Dir(s.Bundle), name)
}

// Draw draws a run or a check as one HTML page, from what its folder holds.
func Draw(ctx context.Context, s Source) ([]byte, error) {
	r := s.report
	if r == nil {
		err := whole.Folder(s.Dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if r, err = ReadReport(filepath.Join(s.Dir, FileReport)); err != nil {
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
	if err := s.readImages(ctx, resolved, &in); err != nil {
		return nil, err
	}
	return report.Build(in)
}

// ReadReport reads a report.json.
func ReadReport(path string) (*verify.Report, error) {
	b, err := whole.Bytes(path, gate.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.With(fmt.Errorf("no report: %w", err), "qtool run makes one, and so does qtool verify-encrypted --out")
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
func (s Source) readBundle(in *report.Input) error {
	if in.Report.BundleSHA256 == "" {
		return nil
	}
	path := s.Bundle
	if path == "" {
		path = s.beside(FileBundle)
	}
	found, err := sameFile(path, in.Report.BundleSHA256, "the report is of bundle")
	if err != nil {
		return err
	}
	if !found && s.Bundle != "" {
		return fmt.Errorf("bundle %s: %w", path, fs.ErrNotExist)
	}
	if !found {
		in.Notes = append(in.Notes, fmt.Sprintf("No %s beside report.json: what needs the bundle is left out.", FileBundle))
		return nil
	}
	in.Bundle, err = bundle.ReadFile(path)
	return err
}

// readCheckpoints reads the networks that the bundle was made of; without a
// bundle, the float network.
func (s Source) readCheckpoints(in *report.Input) error {
	var float, quantized string
	if in.Bundle != nil {
		float, quantized = in.Bundle.Provenance.FloatSHA256, in.Bundle.Provenance.QuantizedSHA256
	}
	for _, c := range []struct {
		name, sum string
		into      **model.Checkpoint
		want      bool
	}{
		{FileFloat, float, &in.Float, in.Bundle != nil || in.Report.BundleSHA256 == ""},
		{FileQuantized, quantized, &in.Quantized, in.Bundle != nil},
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
	have, _, err := whole.SHA256(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if want != "" && have != want {
		return false, hint.With(
			fmt.Errorf("%s has SHA-256 %s, %s %s", path, have, what, want),
			"the files of the folder are of different runs; run or verify again",
		)
	}
	return true, nil
}

// readTraining reads the histories, float training first.
func (s Source) readTraining(in *report.Input) error {
	path := s.beside(FileTraining)
	logs, err := ReadTrainingLogs(path)
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
func (s Source) readRecipe(in *report.Input) (*recipe.Recipe, error) {
	path := s.beside(FileRecipe)
	b, err := whole.Bytes(path, recipe.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		in.Notes = append(in.Notes, fmt.Sprintf("No %s: activations are left out, because it names the calibration %s.", FileRecipe, in.Report.Unit().Many))
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
func (s Source) readImages(ctx context.Context, r *recipe.Recipe, in *report.Input) error {
	d := s.data
	if d == nil {
		var err error
		name, base := in.Report.Dataset, filepath.Dir(s.beside(FileRecipe))
		if r != nil {
			name = r.Data.Name
		}
		d, err = datasets.Load(ctx, name, datasets.Options{Dir: s.DataDir, Base: base, Offline: true})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			in.Notes = append(in.Notes, fmt.Sprintf("The dataset could not be loaded, so no %s is drawn: %v.", in.Report.Unit().One, err))
			return nil
		}
	}
	if d.SHA256 != in.Report.DatasetSHA256 {
		in.Notes = append(in.Notes, fmt.Sprintf("Dataset %s is not the one that was answered, so no %s is drawn: its content hash is %s, the report's %s.", d.Name, in.Report.Unit().One, d.SHA256, in.Report.DatasetSHA256))
		return nil
	}
	in.Test = d.Test
	if in.Bundle != nil {
		if pixels, ok := in.Bundle.Pixels(); ok {
			d.Encode(pixels)
		}
	}
	if r == nil {
		return nil
	}
	images, err := observedSplit(d, r)
	in.Calibration = images
	return err
}

// observedSplit is the training images that filled in a bundle's seen ranges.
func observedSplit(d *datasets.Dataset, r *recipe.Recipe) (*datasets.Split, error) {
	images, _, err := material.Split(d, r)
	if err != nil {
		return nil, err
	}
	return images.Draw(observedSamples, r.Seed), nil
}
