package train_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"qtool/internal/safetensors"
	"qtool/train"
)

// interrupt runs the task until Progress has been called steps times, then
// cancels it.
func interrupt(t *testing.T, k train.Task, steps int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k.Progress = func(train.Progress) {
		if steps--; steps == 0 {
			cancel()
		}
	}
	if r, err := train.Fit(ctx, k); !errors.Is(err, context.Canceled) || r != nil {
		t.Fatalf("interrupted: %v, %v", r, err)
	}
}

// Wherever a run is cut, however often, it ends in the same parameters and the
// same history. 600/64 images make 10 steps an epoch.
func TestResume(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, make := range variants(t, 1) {
		want := fit(t, make())
		cuts := [][]int{{1}, {10}, {20, 5, 1}, {1 + r.IntN(29)}, {1 + r.IntN(14), 1 + r.IntN(14)}}
		if testing.Short() {
			cuts = cuts[1:3]
		}
		for _, cut := range cuts {
			state := filepath.Join(t.TempDir(), "state")
			next := func() train.Task { // a new process: everything anew but the file
				k := make()
				k.State, k.Identity, k.Resume = state, "run 1", true
				return k
			}
			for _, steps := range cut {
				interrupt(t, next(), steps)
			}
			done := 0
			k := next()
			k.Progress = func(train.Progress) { done++ }
			got := fit(t, k)
			if !reflect.DeepEqual(got.Params, want.Params) || !reflect.DeepEqual(got.History, want.History) || got.Best != want.Best {
				t.Errorf("%s, cut after %v steps: another result", name, cut)
			}
			for _, steps := range cut {
				done += steps
			}
			if done != 30 {
				t.Errorf("%s, cut after %v steps: %d steps in all, want 30: none lost, none twice", name, cut, done)
			}
			// Resumed once more, the finished run does nothing.
			k = next()
			k.Progress = func(train.Progress) { t.Error("a finished run trains on") }
			if again := fit(t, k); !reflect.DeepEqual(again.Params, want.Params) {
				t.Errorf("%s: the finished run resumes to another result", name)
			}
		}
	}
}

func TestResumeWithPatience(t *testing.T) {
	make := func() train.Task {
		k := task(t, 1)
		k.Config.Epochs, k.Config.Patience = 8, 1
		k.Config.LearningRate, k.Config.Schedule, k.Config.Clip, k.Config.Warmup = 1, "constant", 0, 4
		return k
	}
	want := fit(t, make())
	k := make()
	k.State, k.Identity, k.Resume = filepath.Join(t.TempDir(), "state"), "x", true
	interrupt(t, k, 10*want.Best+5) // after the best epoch
	got := fit(t, k)
	if !reflect.DeepEqual(got.Params, want.Params) || got.Best != want.Best || !reflect.DeepEqual(got.History, want.History) {
		t.Errorf("best epoch %d of %+v, want %d of %+v", got.Best, got.History, want.Best, want.History)
	}
}

// Without Resume a state file is not read, and without State none is written.
func TestFreshRun(t *testing.T) {
	want := fit(t, task(t, 1))
	dir := t.TempDir()
	k := task(t, 1)
	k.State, k.Identity = filepath.Join(dir, "state"), "x"
	interrupt(t, k, 5)
	if got := fit(t, k); !reflect.DeepEqual(got.History, want.History) {
		t.Error("a fresh run went on from an old state")
	}
	k.State = filepath.Join(dir, "none")
	k.Resume = true
	if got := fit(t, k); !reflect.DeepEqual(got.History, want.History) {
		t.Error("a run without a state file does not start afresh")
	}
}

func TestStateRefused(t *testing.T) {
	k := task(t, 1)
	k.State, k.Identity, k.Resume = filepath.Join(t.TempDir(), "state"), "run 1", true
	interrupt(t, k, 4)
	whole, err := os.ReadFile(k.State)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, b []byte, k train.Task, want string) {
		t.Helper()
		if err := os.WriteFile(k.State, b, 0o644); err != nil {
			t.Fatal(err)
		}
		k.Progress = func(train.Progress) { t.Errorf("%s: trains on", what) }
		r, err := train.Fit(context.Background(), k)
		if r != nil || err == nil || !strings.Contains(err.Error(), "train: resume from ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", what, err, want)
		}
		if after, err := os.ReadFile(k.State); err != nil || !bytes.Equal(after, b) {
			t.Errorf("%s: the state file changed", what)
		}
	}
	other := k
	other.Identity = "run 2"
	refused("another identity", whole, other, `it belongs to another run: "run 1", this one is "run 2"`)
	for _, n := range []int{0, 7, 100, len(whole) / 2, len(whole) - 1} {
		refused("a truncated state", whole[:n], k, "safetensors")
	}
	for _, c := range []struct {
		what string
		edit func(*safetensors.File)
		want string
	}{
		{"no progress", func(f *safetensors.File) { delete(f.Metadata, "progress") }, "progress: "},
		{"a missing tensor", func(f *safetensors.File) { f.Tensors = f.Tensors[1:] }, "is missing"},
		{"a short tensor", func(f *safetensors.File) {
			f.Tensors[0] = safetensors.FromFloat32(f.Tensors[0].Name, []int{1}, []float32{1})
		}, "has 1 elements, want"},
		{"an altered value", func(f *safetensors.File) { f.Tensors[0].Data[0] ^= 1; f.Metadata["sha256"] = "of before" }, "altered or damaged"},
		{"a step too far", func(f *safetensors.File) {
			f.Metadata["progress"] = strings.Replace(f.Metadata["progress"], `"step":4`, `"step":11`, 1)
		}, "progress: epoch 0, step 11 of 3 epochs of 10 steps"},
		{"an epoch without history", func(f *safetensors.File) {
			f.Metadata["progress"] = strings.Replace(f.Metadata["progress"], `"epoch":0`, `"epoch":1`, 1)
		}, "progress: epoch 1"},
	} {
		f, err := safetensors.Decode(whole, safetensors.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if c.edit(f); f.Metadata["sha256"] != "of before" {
			f.Metadata["sha256"] = f.Sum()
		}
		b, err := safetensors.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		refused(c.what, b, k, c.want)
	}
}
