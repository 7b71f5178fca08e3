package main

import (
	"context"
	"fmt"
	"slices"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/he"
	"qtool/model"
	"qtool/verify"
	"qtool/verify/integer"
)

// fillTables sets what a look-up of one image took, from the time of the layers.
func fillTables(b *he.Backend, p *bundle.Program, r *he.Result) {
	for i := range b.Tables {
		l := &b.Tables[i]
		for k := range min(len(p.Nodes), len(r.NodeSeconds)) {
			if p.Nodes[k].Name == l.Layer {
				l.Microseconds = 1e6 * r.NodeSeconds[k] / float64(l.PerImage*max(len(r.Logits), 1))
			}
		}
	}
}

// rungs are the answers of the networks that the bundle was made of; nil where
// their checkpoints are not at hand.
type rungs struct {
	float, quantized verify.Predictions
	drifts           []export.Drift // of each layer
}

// verification is a bundle to be checked on a test split.
type verification struct {
	file      *bundle.File
	sum       string // of the bundle's file
	test      *datasets.Split
	encrypted int         // images of test that are encrypted, the first
	executor  he.Executor // planned for these
	rungs     rungs
	simulate  bool      // predict the executor's answers to all of test instead of encrypting
	sqnr      []float64 // of each layer; nil where it is not known
	state     string    // log of finished batches, "" for none
	resume    bool
}

// begin is what to do about a verification that was interrupted before it kept anything.
func (v *verification) begin() string {
	if v.state == "" {
		return "with --out, finished batches are kept and --resume goes on behind them"
	}
	return "the same command with --resume goes on"
}

// verification plans what a run ends with: parameters are chosen, or refused,
// before the rungs answer.
func (w *workspace) verification(ctx context.Context, f *bundle.File, all *datasets.Split, insecure bool) (verification, error) {
	v := w.recipe.Verify
	if v.Backend == backendNone {
		v.EncryptedLimit, v.Precision, v.Memory = 0, 0, 0 // of the recipe's own back end
	}
	task := verification{file: f, state: w.path(stateVerify), resume: w.resume}
	var err error
	if task.test, err = limited(all, v.Limit); err != nil {
		return task, fmt.Errorf("verify.%w", err)
	}
	if task.encrypted, err = encryptedImages("verify.encrypted_limit", v.EncryptedLimit, task.test.Len()); err != nil {
		return task, err
	}
	task.executor, err = encryptedExecutor(ctx, f.Program, task.encrypted, verifyOptions{backend: v.Backend, logN: v.LogN, bits: v.Precision, memory: v.Memory, allowInsecure: insecure})
	return task, err
}

// verifyBundle runs the integer reference and the encrypted executor and fills
// in a report.
func (a *app) verifyBundle(ctx context.Context, v verification) (*verify.Report, error) {
	f, test, e := v.file, v.test, v.executor
	images := make([][]uint8, test.Len())
	for i := range images {
		images[i] = test.Image(i)
	}
	reference, err := integer.New(f.Program)
	if err != nil {
		return nil, err
	}
	plain, err := a.execute(ctx, "integer reference", verify.Task{Executor: reference, Samples: images}, v.begin())
	if err != nil {
		return nil, err
	}
	ladder := verify.Ladder{
		Output: f.Program.Output(), Labels: test.Labels, Float: v.rungs.float, Quantized: v.rungs.quantized, Integer: plain.Logits,
	}
	report := &verify.Report{
		Schema: verify.ReportSchema, Recipe: f.Provenance.Recipe, Seed: f.Provenance.Seed,
		Dataset: f.Provenance.Dataset, DatasetSHA256: f.Provenance.DatasetSHA256,
		BundleSHA256: v.sum, Images: test.Len(), Versions: versions(),
		Seconds: verify.Seconds{Integer: plain.Cost.Seconds.Evaluate},
		Domains: plain.Domains,
	}
	var nodeSeconds []float64
	if e != nil && v.simulate {
		if report.Simulated, err = a.simulate(ctx, e, images, &ladder); err != nil {
			return nil, err
		}
	} else if e != nil {
		encrypted, err := a.encrypt(ctx, v, images[:v.encrypted], report)
		if err != nil {
			return nil, err
		}
		ladder.EncryptedImages = v.encrypted
		ladder.Encrypted, ladder.Reals, ladder.Bound, ladder.Usual = encrypted.Logits, encrypted.Reals, encrypted.Bound, encrypted.Usual
		nodeSeconds = encrypted.NodeSeconds
		if report.Lookups = encrypted.Lookups; report.Lookups != nil {
			ladder.Failed = report.Lookups.FailedImages
		}
	}
	comparison, err := ladder.Compare()
	if err != nil {
		return nil, err
	}
	report.Layers = verify.Layers(f.Program, nodeSeconds, v.sqnr)
	for i, d := range v.rungs.drifts {
		report.Layers[i].Float32Exact, report.Layers[i].Drift = &d.Exact, &d.Differ
	}
	report.Apply(comparison)
	report.PeakRSSBytes = peakRSS()
	return report, nil
}

// encrypt runs the encrypted executor and puts into the report what it took.
func (a *app) encrypt(ctx context.Context, v verification, images [][]uint8, report *verify.Report) (*he.Result, error) {
	f, e := v.file, v.executor
	encrypted, err := a.execute(ctx, "encrypted", verify.Task{
		Executor: e, Samples: images, Log: v.state, Resume: v.resume, BundleSHA256: v.sum, DatasetSHA256: f.Provenance.DatasetSHA256,
	}, v.begin())
	if err != nil {
		return nil, err
	}
	backend := e.Backend()
	backend.NoiseBitsLeft = encrypted.NoiseBitsLeft
	fillTables(&backend, f.Program, encrypted)
	report.Images, report.Backend, report.Latency = len(encrypted.Logits)+len(encrypted.Reals), &backend, encrypted.Latency
	cost := encrypted.Cost
	s := &report.Seconds
	s.Keygen, s.Encrypt, s.Evaluate, s.Decrypt = cost.Seconds.Keygen, cost.Seconds.Encrypt, cost.Seconds.Evaluate, cost.Seconds.Decrypt
	report.Bytes = verify.Bytes{CiphertextIn: cost.Bytes.CiphertextIn, CiphertextOut: cost.Bytes.CiphertextOut, Keys: cost.Bytes.Keys}
	return encrypted, nil
}

// answer predicts a test split with the float and the quantized network.
func answer(ctx context.Context, float, quantized *model.Checkpoint, p *bundle.Program, test *datasets.Split) (r rungs, err error) {
	if float != nil {
		if r.float, err = predict(ctx, float, test); err != nil {
			return rungs{}, err
		}
	}
	if quantized != nil {
		q, err := quantized.Quantized()
		if err != nil {
			return rungs{}, err
		}
		if r.drifts, r.quantized, err = export.Drifts(ctx, q, p, test); err != nil {
			return rungs{}, err
		}
	}
	return r, nil
}

// checkMismatch turns a report's mismatches into the error that gives exit
// code 3. Images in which a look-up failed may differ, if no more of them failed
// than was predicted.
func checkMismatch(r *verify.Report) error {
	if p := r.Precision; p != nil && p.Outside > 0 {
		m := p.FirstOutside
		return fmt.Errorf("%w by more than the stated bound: %d of them, first at image %d, logit %d: integer %s, encrypted %s",
			verify.ErrMismatch, p.Outside, m.Image, m.Logit, m.Want, m.Got)
	}
	if r.LogitMismatches == r.Explained {
		if r.Lookups != nil {
			return verify.CheckLookups(r.Lookups)
		}
		return nil
	}
	m := r.FirstMismatch
	return fmt.Errorf("%w: %d of them, first at image %d, logit %d: integer %s, encrypted %s",
		verify.ErrMismatch, r.LogitMismatches-r.Explained, m.Image, m.Logit, m.Want, m.Got)
}

// limited is the first limit images of a split; 0 is all of them.
func limited(s *datasets.Split, limit int) (*datasets.Split, error) {
	if limit == 0 {
		return s, nil
	}
	if limit < 0 || limit > s.Len() {
		return nil, fmt.Errorf("limit %d is outside 1..%d, the images of the test set", limit, s.Len())
	}
	return s.First(limit), nil
}

// encryptedImages is how many of the images that are answered are encrypted, the
// first; a limit of 0 is all of them. name is what sets the limit.
func encryptedImages(name string, limit, answered int) (int, error) {
	if limit == 0 {
		return answered, nil
	}
	if limit < 0 || limit > answered {
		return 0, fmt.Errorf("%s %d is outside 1..%d, the images that are answered", name, limit, answered)
	}
	return limit, nil
}

// compatible refuses a dataset that is not the shape that the program takes.
func compatible(f *bundle.File, d *datasets.Dataset) error {
	if !slices.Equal(d.Shape, f.Program.Input.Shape) {
		return fmt.Errorf("dataset %s has images of shape %v, the bundle takes %v", d.Name, d.Shape, f.Program.Input.Shape)
	}
	if d.Classes != len(f.Program.Labels) {
		return fmt.Errorf("dataset %s has %d classes, the bundle has %d labels", d.Name, d.Classes, len(f.Program.Labels))
	}
	return nil
}
