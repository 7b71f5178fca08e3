package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/recipe"
	"qtool/verify"
	"qtool/verify/he/bgv"
	"qtool/verify/he/bgvtable"
	"qtool/verify/he/packed"
	"qtool/verify/he/security"
	"qtool/verify/integer"
)

// verifyOptions say how a bundle is checked under encryption.
type verifyOptions struct {
	backend       string
	limit         int // images; 0: all
	logN          int // 0: chosen
	allowInsecure bool
	bits          float64 // of output precision, packed-ckks; 0: its default
}

// backendNone leaves encryption out: the clear rungs alone.
const backendNone = "none"

// encryptedExecutor plans the encrypted run of so many images: parameters are chosen, or refused,
// before any work is done. It is nil for backendNone.
func encryptedExecutor(p *bundle.Program, images int, o verifyOptions) (verify.Executor, error) {
	if strings.HasPrefix(o.backend, "packed") {
		// Encoded weights and keys are gigabytes that stay: garbage worth as much
		// again must not pile up before it is collected.
		debug.SetGCPercent(20)
	}
	switch o.backend {
	case backendNone:
		return nil, nil
	case "auto", "bgv":
		if hasTables(p) {
			return tableExecutor(p, images, o)
		}
		plan, err := bgv.NewPlan(p, bgv.Options{LogN: o.logN, AllowInsecure: o.allowInsecure, Images: images})
		if err != nil {
			return nil, withHint(err, smallerHint)
		}
		return bgv.NewExecutor(p, plan), nil
	case "packed-ckks":
		plan, err := packed.NewPlan(p, packed.Options{LogN: o.logN, Bits: o.bits, AllowInsecure: o.allowInsecure})
		if err != nil {
			return nil, packedHint(err)
		}
		return packed.NewExecutor(p, plan), nil
	case "packed-bgv":
		plan, err := packed.NewExactPlan(p, packed.Options{LogN: o.logN, AllowInsecure: o.allowInsecure})
		if err != nil {
			return nil, packedHint(err)
		}
		return packed.NewExactExecutor(p, plan), nil
	}
	return nil, fmt.Errorf("backend %q is unknown: want one of %s", o.backend, strings.Join(recipe.Backends, ", "))
}

// packedHint says what could help against a plan that failed.
func packedHint(err error) error {
	if errors.Is(err, packed.ErrInsufficient) {
		return hinted{err, "fewer layers with activations, fewer bits of --precision, or another back end"}
	}
	return err
}

// tableExecutor plans the batch executor of programs with lookup tables.
func tableExecutor(p *bundle.Program, images int, o verifyOptions) (verify.Executor, error) {
	plan, err := bgvtable.NewPlan(p, bgvtable.Options{LogN: o.logN, AllowInsecure: o.allowInsecure, Images: images})
	if err != nil {
		return nil, withHint(err, narrowerHint)
	}
	e := bgvtable.NewExecutor(p, plan)
	if o.backend == "auto" {
		e = picked{e, fmt.Sprintf("auto takes the batch executor for tables: %.0f s predicted for %d images", plan.PredictedSeconds(images), images)}
	}
	return e, nil
}

// picked is an executor that says why it was chosen.
type picked struct {
	verify.Executor
	why string
}

func (p picked) Backend() verify.Backend {
	b := p.Executor.Backend()
	b.Why = append(b.Why, p.why)
	return b
}

func hasTables(p *bundle.Program) bool {
	return slices.ContainsFunc(p.Nodes, func(n bundle.Node) bool { return n.Kind() == bundle.KindLookupTable })
}

// withHint adds what can be done about parameters that were refused.
func withHint(err error, insufficient string) error {
	var insecure *security.InsecureError
	switch {
	case errors.As(err, &insecure):
		return hinted{err, "leave the ring degree to be chosen, or accept the risk with --allow-insecure-parameters"}
	case errors.Is(err, bgv.ErrInsufficient):
		return hinted{err, insufficient}
	}
	return err
}

// fillTables sets what a look-up of one image took, from the time of the layers.
func fillTables(b *verify.Backend, p *bundle.Program, r *verify.Result) {
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

const narrowerHint = "smaller weights, or fewer of them, make the sums and with them the tables' domains narrower"

const smallerHint = "fewer bits for weights and inputs, or fewer products in a row, make the numbers smaller"

// verification is a bundle to be checked on a test split.
type verification struct {
	file     *bundle.File
	sum      string // of the bundle's file
	test     *datasets.Split
	executor verify.Executor
	rungs    rungs
	sqnr     []float64 // of each layer; nil where it is not known
	state    string    // file of finished batches, "" for none
	resume   bool
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
	plain, err := (&execution{executor: reference, what: "integer reference"}).run(ctx, a, images)
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
	}
	var nodeSeconds []float64
	if e != nil {
		encrypted, err := a.encrypt(ctx, v, images, report)
		if err != nil {
			return nil, err
		}
		ladder.Encrypted, ladder.Reals, ladder.Bound = encrypted.Logits, encrypted.Reals, encrypted.Bound
		nodeSeconds = encrypted.NodeSeconds
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
func (a *app) encrypt(ctx context.Context, v verification, images [][]uint8, report *verify.Report) (*verify.Result, error) {
	f, e := v.file, v.executor
	backend := e.Backend()
	secret := execution{
		executor: e, what: "encrypted", state: v.state, resume: v.resume,
		identity: fmt.Sprintf("%s %s %s %d images of %s, %d slots, modulo %v and %v",
			backend.Name, version, v.sum, len(images), f.Provenance.DatasetSHA256, backend.Slots, backend.PlaintextModuli, backend.CiphertextModuli),
	}
	encrypted, err := secret.run(ctx, a, images)
	if err != nil {
		return nil, err
	}
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
		if r.float, err = predict(ctx, float, false, test); err != nil {
			return rungs{}, err
		}
	}
	if quantized != nil {
		if r.quantized, err = predict(ctx, quantized, true, test); err != nil {
			return rungs{}, err
		}
		q, err := quantized.Quantized()
		if err != nil {
			return rungs{}, err
		}
		if r.drifts, err = export.Drifts(ctx, q, p, test); err != nil {
			return rungs{}, err
		}
	}
	return r, nil
}

// checkMismatch turns a report's mismatches into the error that gives exit
// code 3.
func checkMismatch(r *verify.Report) error {
	if p := r.Precision; p != nil && p.Outside > 0 {
		m := p.FirstOutside
		return fmt.Errorf("%w by more than the stated bound: %d of them, first at image %d, logit %d: integer %s, encrypted %s",
			verify.ErrMismatch, p.Outside, m.Image, m.Logit, m.Want, m.Got)
	}
	if r.LogitMismatches == 0 {
		return nil
	}
	m := r.FirstMismatch
	return fmt.Errorf("%w: %d of them, first at image %d, logit %d: integer %s, encrypted %s",
		verify.ErrMismatch, r.LogitMismatches, m.Image, m.Logit, m.Want, m.Got)
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
