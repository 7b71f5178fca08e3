package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/he"
	"qtool/internal/hint"
	"qtool/quant"
	"qtool/verify"
	"qtool/verify/integer"
	"qtool/verify/runlog"
)

// countingExecutor is the integer reference in batches of two. It counts the
// images it is given and fails in the batch numbered stop, from 1.
type countingExecutor struct {
	he.Executor
	ran, stop, images int
}

func (e *countingExecutor) Backend() he.Backend { return he.Backend{Name: "test", Slots: 2} }

func (e *countingExecutor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	if e.ran++; e.ran == e.stop {
		return nil, context.Canceled
	}
	e.images += len(samples)
	return e.Executor.Run(ctx, samples, step)
}

// Only the first images are encrypted, and what an interrupted verification
// finished is kept for as many images only.
func TestEncryptedImages(t *testing.T) {
	p := &bundle.Program{ // answers 0 to white, 1 to black
		Input: bundle.Input{Shape: []int{1}, Quantizer: quant.Params{Scale: 1.0 / 3, Bits: 2}},
		Nodes: []bundle.Node{{
			Name: "fc", Shape: []int{2}, Scale: []float64{1}, Bits: 2,
			Op: &bundle.Dense{Units: 2, Inputs: 1, Weight: []int32{1, -1}, Bias: bundle.Vec{Small: []int64{-1, 1}}},
		}},
		Labels: []string{"white", "black"},
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	test := &datasets.Split{Images: []uint8{0, 255, 0, 255, 255, 0, 255}, Labels: []uint8{0, 0, 0, 0, 0, 0, 0}, Shape: []int{1}}
	state := filepath.Join(t.TempDir(), StateVerify)
	a := &Env{}
	run := func(encrypted, stop int, resume bool) (*verify.Report, *countingExecutor, error) {
		reference, err := integer.New(p)
		if err != nil {
			t.Fatal(err)
		}
		e := &countingExecutor{Executor: reference, stop: stop}
		r, err := a.verify(t.Context(), verification{
			file: &bundle.File{Program: p}, test: test, encrypted: encrypted, executor: e, state: state, resume: resume,
		})
		return r, e, err
	}
	if _, _, err := run(5, 3, true); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r, e, err := run(5, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	if e.images != 1 || r.Images != 5 || len(r.Answers.Encrypted) != 5 || len(r.Answers.Integer) != 7 {
		t.Errorf("%d images encrypted after four; report of %d with answers to %d and %d, want 1; 5, 5 and 7", e.images, r.Images, len(r.Answers.Encrypted), len(r.Answers.Integer))
	}
	if x := r.Accuracy; *x.Encrypted != 0.6 || *x.IntegerOnEncrypted != 0.6 || *x.Integer != 4.0/7 {
		t.Errorf("accuracies: encrypted %v, integer on the same %v, integer %v; want 0.6, 0.6 and 4/7", *x.Encrypted, *x.IntegerOnEncrypted, *x.Integer)
	}
	var different *runlog.DifferentError
	if _, e, err := run(4, 0, true); !errors.As(err, &different) || different.Keys[0] != "samples" || hint.Of(err) == "" || e.images != 0 {
		t.Errorf("%d images encrypted of another limit, %v; want an error with a hint that names the samples", e.images, err)
	}
	if _, e, err := run(4, 0, false); err != nil || e.images != 4 {
		t.Errorf("%d images encrypted of another limit without --resume, %v; want all 4", e.images, err)
	}
	if r, e, err := run(7, 0, false); err != nil || e.images != 7 || r.Accuracy.IntegerOnEncrypted != nil {
		t.Errorf("%d images encrypted, %v; want all 7 and no accuracy of a part", e.images, err)
	}
}
