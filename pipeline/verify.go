package pipeline

import (
	"context"
	"fmt"
	"slices"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/he"
	"qtool/internal/memory"
	"qtool/recipe/material"
	"qtool/task"
	"qtool/verify"
	"qtool/verify/integer"
)

// ladderAnswers are the answers of the networks that the bundle was made of; nil where
// their checkpoints are not at hand.
type ladderAnswers struct {
	float, quantized verify.StageAnswers
	mismatches       []export.Mismatch // of each layer
}

// verification is a bundle to be checked on a test split.
type verification struct {
	file      *bundle.File
	sum       string // of the bundle's file
	test      *datasets.Split
	encrypted int         // samples of test that are encrypted, the first
	executor  he.Executor // planned for these
	answers   ladderAnswers
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
// before the stages of the ladder answer.
func (w *Workspace) verification(ctx context.Context, f *bundle.File) (verification, error) {
	v := w.recipe.Verify
	if v.Backend == BackendNone {
		v.EncryptedLimit, v.Precision, v.Memory = 0, 0, 0 // of the recipe's own back end
	}
	task := verification{file: f, state: w.Path(StateVerify), resume: w.Resume}
	test, err := limited(w.data.Test, v.Limit, w.data.Unit())
	if err != nil {
		return task, fmt.Errorf("verify.%w", err)
	}
	task.test = material.Inputs(f.Encoder, test)
	if task.encrypted, err = encryptedSamples("verify.encrypted_limit", v.EncryptedLimit, task.test.Len(), w.data.Unit()); err != nil {
		return task, err
	}
	e := Encryption{Backend: v.Backend, LogN: v.LogN, Precision: v.Precision, Memory: v.Memory, AllowInsecure: w.AllowInsecure}
	task.executor, err = e.Executor(ctx, f.Program, task.encrypted)
	return task, err
}

// verify runs the integer reference and the encrypted executor and fills in a report.
func (e *Env) verify(ctx context.Context, v verification) (*verify.Report, error) {
	f, test := v.file, v.test
	samples := samplesOf(test)
	reference, err := integer.New(f.Program)
	if err != nil {
		return nil, err
	}
	plain, err := e.execute(ctx, "integer reference", verify.Task{Executor: reference, Encoder: test.Encoder, Input: f.Program.Input, Samples: samples}, v.begin())
	if err != nil {
		return nil, err
	}
	logits, err := exact(plain, reference.Backend().Name)
	if err != nil {
		return nil, err
	}
	ladder := verify.Ladder{
		Output: f.Program.Output(), Labels: test.Labels, Float: v.answers.float.Answers, Quantized: v.answers.quantized.Answers, Integer: logits,
		Task: task.Task{Kind: task.Classification, Outputs: len(f.Program.Labels)}, FloatValues: v.answers.float.Values, QuantizedValues: v.answers.quantized.Values,
	}
	report := &verify.Report{
		Schema: verify.ReportSchema, Recipe: f.Provenance.Recipe, Seed: f.Provenance.Seed,
		Dataset: f.Provenance.Dataset, DatasetSHA256: f.Provenance.DatasetSHA256,
		BundleSHA256: v.sum, Images: test.Len(), Noun: task.OfEncoder(f.EncoderKind()).One, Task: task.Classification, Versions: versions(),
		Seconds: verify.Seconds{Integer: plain.Cost.Seconds.Evaluate},
	}
	report.Domains, _ = he.AccountOf[he.Domains](plain)
	var nodeSeconds he.NodeSeconds // none where nothing tells the layers apart
	if v.executor != nil && v.simulate {
		if report.Simulated, err = e.simulate(ctx, v.executor, f.Program.Input.Pictures(test.Encoder, samples), &ladder); err != nil {
			return nil, err
		}
	} else if v.executor != nil {
		encrypted, err := e.encrypt(ctx, v, samples[:v.encrypted], report)
		if err != nil {
			return nil, err
		}
		ladder.EncryptedImages, ladder.Encrypted = v.encrypted, encrypted.Answers
		nodeSeconds, _ = he.AccountOf[he.NodeSeconds](encrypted)
		if report.Lookups != nil {
			ladder.Failed = report.Lookups.FailedSamples
		}
	}
	comparison, err := ladder.Compare()
	if err != nil {
		return nil, err
	}
	report.Layers = verify.Layers(f.Program, nodeSeconds, v.sqnr)
	for i, d := range v.answers.mismatches {
		report.Layers[i].Float32Exact, report.Layers[i].QuantizedMismatches = &d.Exact, &d.Differ
	}
	report.Apply(comparison)
	report.PeakRSSBytes = memory.Peak()
	return report, nil
}

// exact are the integers that an executor called name gave, or an error where it gave
// reals.
func exact(r *he.Result, name string) (he.Exact, error) {
	logits, ok := r.Answers.(he.Exact)
	if !ok {
		return nil, fmt.Errorf("back end %s gives no integers", name)
	}
	return logits, nil
}

// encrypt runs the encrypted executor and puts into the report what it took.
func (e *Env) encrypt(ctx context.Context, v verification, samples [][]uint8, report *verify.Report) (*he.Result, error) {
	f := v.file
	encrypted, err := e.execute(ctx, "encrypted", verify.Task{
		Executor: v.executor, Encoder: v.test.Encoder, Input: f.Program.Input, Samples: samples, Log: v.state, Resume: v.resume, BundleSHA256: v.sum, DatasetSHA256: f.Provenance.DatasetSHA256,
	}, v.begin())
	if err != nil {
		return nil, err
	}
	backend := verify.Backend{Backend: v.executor.Backend()}
	if noise, ok := he.AccountOf[he.Noise](encrypted); ok {
		backend.NoiseBitsLeft = noise.BitsLeft
	}
	fillTables(&backend.Backend, f.Program, encrypted)
	report.Images, report.Backend = encrypted.Answers.Len(), &backend
	report.Latency, _ = he.AccountOf[*he.Latency](encrypted)
	report.Lookups, _ = he.AccountOf[*he.Lookups](encrypted)
	cost := encrypted.Cost
	s := &report.Seconds
	s.Keygen, s.Encrypt, s.Evaluate, s.Decrypt = cost.Seconds.Keygen, cost.Seconds.Encrypt, cost.Seconds.Evaluate, cost.Seconds.Decrypt
	report.Bytes = verify.Bytes{CiphertextIn: cost.Bytes.CiphertextIn, CiphertextOut: cost.Bytes.CiphertextOut, Keys: cost.Bytes.Keys}
	return encrypted, nil
}

// fillTables sets what a look-up of one sample took, from the time of the layers.
func fillTables(b *he.Backend, p *bundle.Program, r *he.Result) {
	seconds, _ := he.AccountOf[he.NodeSeconds](r)
	for i := range b.Tables {
		l := &b.Tables[i]
		for k := range min(len(p.Nodes), len(seconds)) {
			if p.Nodes[k].Name == l.Layer {
				l.Microseconds = 1e6 * seconds[k] / float64(l.PerSample*max(r.Answers.Len(), 1))
			}
		}
	}
}

// limited is the first limit samples of a split; 0 is all of them.
func limited(s *datasets.Split, limit int, noun task.Noun) (*datasets.Split, error) {
	if limit == 0 {
		return s, nil
	}
	if limit < 0 || limit > s.Len() {
		return nil, fmt.Errorf("limit %d is outside 1..%d, the %s of the test set", limit, s.Len(), noun.Many)
	}
	return s.First(limit), nil
}

// encryptedSamples is how many of the samples that are answered are encrypted, the
// first; a limit of 0 is all of them. name is what sets the limit.
func encryptedSamples(name string, limit, answered int, noun task.Noun) (int, error) {
	if limit == 0 {
		return answered, nil
	}
	if limit < 0 || limit > answered {
		return 0, fmt.Errorf("%s %d is outside 1..%d, the %s that are answered", name, limit, answered, noun.Many)
	}
	return limit, nil
}

// compatible refuses a dataset whose inputs are not of the shape that the program takes.
func compatible(f *bundle.File, d *datasets.Dataset, inputs *datasets.Split) error {
	if !slices.Equal(inputs.Shape, f.Program.Input.Shape) {
		return fmt.Errorf("dataset %s has %s of shape %v, the bundle takes %v", d.Name, d.Unit().Many, inputs.Shape, f.Program.Input.Shape)
	}
	if d.Classes != len(f.Program.Labels) {
		return fmt.Errorf("dataset %s has %d classes, the bundle has %d labels", d.Name, d.Classes, len(f.Program.Labels))
	}
	return nil
}
