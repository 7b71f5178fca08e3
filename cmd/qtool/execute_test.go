package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"qtool/bundle"
	"qtool/he"
)

// batchExecutor holds three images a batch; its logit is the image's first byte.
// It counts batches and fails in the one numbered stop, from 1.
type batchExecutor struct{ ran, stop, slots int }

func (e *batchExecutor) Backend() he.Backend { return he.Backend{Name: "test", Slots: e.slots} }

func (e *batchExecutor) Run(_ context.Context, images [][]uint8, _ func(he.Step)) (*he.Result, error) {
	if e.ran++; e.ran == e.stop {
		return nil, context.Canceled
	}
	r := &he.Result{NoiseBitsLeft: float64(10 - e.ran), Lookups: &he.Lookups{Done: len(images), FailedImages: []int{0}}}
	for _, image := range images {
		r.Logits = append(r.Logits, bundle.Vec{Small: []int64{int64(image[0])}})
	}
	r.Cost.Seconds.Encrypt = 1
	return r, nil
}

// A verification that was interrupted goes on after its last finished batch.
func TestFinishedBatchesAreNotRepeated(t *testing.T) {
	var images [][]uint8
	for i := range 8 {
		images = append(images, []uint8{uint8(i)})
	}
	state := filepath.Join(t.TempDir(), stateVerify)
	a := &app{stdout: io.Discard, stderr: io.Discard, quiet: true}
	run := func(e *batchExecutor, identity string) (*he.Result, error) {
		x := execution{executor: e, what: "test", state: state, identity: identity, resume: true}
		return x.run(t.Context(), a, images)
	}
	if _, err := run(&batchExecutor{stop: 3, slots: 3}, "one"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	e := &batchExecutor{slots: 3}
	r, err := run(e, "one")
	if err != nil {
		t.Fatal(err)
	}
	if e.ran != 1 {
		t.Errorf("%d batches were run after two of three had finished, want 1", e.ran)
	}
	if len(r.Logits) != 8 || r.Cost.Seconds.Encrypt != 3 || r.NoiseBitsLeft != 8 {
		t.Errorf("%d logits, %v seconds, %v bits left; want 8, 3 and the least of the batches, 8", len(r.Logits), r.Cost.Seconds.Encrypt, r.NoiseBitsLeft)
	}
	if l := r.Lookups; l == nil || l.Done != 8 || !slices.Equal(l.FailedImages, []int{0, 3, 6}) {
		t.Errorf("look-ups %+v, want 8 done and the first image of each batch failed", l)
	}
	for i, v := range r.Logits {
		if v.Small[0] != int64(i) {
			t.Errorf("image %d has the logit of image %d", i, v.Small[0])
		}
	}
	e = &batchExecutor{slots: 3}
	if _, err := run(e, "another"); err != nil || e.ran != 3 {
		t.Errorf("batches of another identity: %d were run, %v; want all 3", e.ran, err)
	}
	if err := os.WriteFile(state, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := run(&batchExecutor{slots: 3}, "one"); err == nil || hintFor(err) == "" {
		t.Errorf("a damaged state gives %v, want an error with a hint", err)
	}
}
