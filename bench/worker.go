package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"qtool/datasets"
	"qtool/kernel/cpu"
	"qtool/verify"
)

// request is a line that a worker reads: one round of a task or, with Describe, a
// recipe to look at.
type request struct {
	Task     Task   `json:"task,omitzero"`
	Describe string `json:"describe,omitempty"`
	Data     string `json:"data,omitempty"`  // folder of datasets
	Steps    int    `json:"steps,omitempty"` // of a round of training
	Slice    int    `json:"slice,omitempty"` // milliseconds of a kernel
}

// answer is a line that a worker writes.
type answer struct {
	Value       float64      `json:"value"`
	Note        string       `json:"note,omitempty"`
	Level       string       `json:"level"`
	Description *Description `json:"description,omitempty"`
	Error       string       `json:"error,omitempty"`
	// Of is the sentinel that the error wraps, by its place in sentinels; 0 is none.
	Of int `json:"of,omitempty"`
}

// sentinels are the errors that callers tell apart, on both sides.
var sentinels = []error{nil, errUnknown, verify.ErrMismatch, datasets.ErrMissing}

// remote is an error of another process.
type remote struct {
	text string
	of   error
}

func (e remote) Error() string { return e.text }
func (e remote) Unwrap() error { return e.of }

// err is the answer's error, if it is one.
func (a answer) err() error {
	if a.Error == "" {
		return nil
	}
	return remote{a.Error, sentinels[min(max(a.Of, 0), len(sentinels)-1)]}
}

// fatal reports whether an error ends the measurement; others are why a figure
// is missing.
func fatal(err error) bool { return errors.Is(err, verify.ErrMismatch) || errors.Is(err, errUnknown) }

// Serve measures what requests ask for, a JSON line each, until r ends: it is the
// other end of Run, in a process of its own.
func Serve(ctx context.Context, r io.Reader, w io.Writer) error {
	in, out := json.NewDecoder(r), json.NewEncoder(w)
	var s worker
	for {
		var q request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("bench: request: %w", err)
		}
		a, err := s.answer(ctx, q)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			a = answer{Error: err.Error(), Of: max(0, slices.IndexFunc(sentinels, func(s error) bool { return s != nil && errors.Is(err, s) }))}
		}
		a.Level = cpu.Active.String()
		if err := out.Encode(a); err != nil {
			return fmt.Errorf("bench: answer: %w", err)
		}
	}
}

var errUnknown = errors.New("the task is not known")

// worker keeps the recipe that it was last asked for.
type worker struct {
	subject *subject
	name    string
}

func (w *worker) answer(ctx context.Context, q request) (a answer, err error) {
	if q.Describe != "" {
		if err := w.open(ctx, q.Describe, q); err != nil {
			return answer{}, err
		}
		a.Description, err = w.subject.describe(ctx)
		return a, err
	}
	t := q.Task
	switch t.Kind {
	case Peak, Kernel:
		all := append(peaks(), kernels()...)
		i := slices.IndexFunc(all, func(k kernel) bool { return k.Task == t })
		if i < 0 {
			return a, fmt.Errorf("bench: %s %q: %w", t.Kind, t.Name, errUnknown)
		}
		a.Value, err = all[i].run(time.Duration(q.Slice) * time.Millisecond)
		return a, err
	}
	if err := w.open(ctx, t.Recipe, q); err != nil {
		return a, err
	}
	s := w.subject
	runtime.GC() // no round pays for the one before
	switch {
	case t == trainingTask(t.Recipe, false):
		a.Value, err = s.trainFloat(ctx)
	case t == trainingTask(t.Recipe, true):
		a.Value, err = s.trainQuantized(ctx)
	case t == batchTask(t.Recipe):
		a.Value, err = s.encryptBatch(ctx)
		a.Note = fmt.Sprintf("%d images", len(s.images))
	case t == imageTask(t.Recipe):
		// As the command does: what stays is too large for as much garbage again.
		defer debug.SetGCPercent(debug.SetGCPercent(20))
		a.Value, err = s.encryptImage(ctx)
	case t == aloneTask(t.Recipe):
		a.Value, err = s.lookupAlone(ctx)
	default:
		var d *Description
		if d, err = s.describe(ctx); err != nil {
			return a, err
		}
		k := slices.IndexFunc(d.Tables, func(layer string) bool { return t == tableTask(t.Recipe, layer) })
		if k < 0 {
			return a, fmt.Errorf("bench: %s %q of recipe %q: %w", t.Kind, t.Name, t.Recipe, errUnknown)
		}
		a.Value, a.Note, err = s.lookupInBatch(ctx, k)
	}
	return a, err
}

// open makes name the recipe that is measured, and forgets the one before.
func (w *worker) open(ctx context.Context, name string, q request) error {
	if w.subject != nil && w.name == name {
		return nil
	}
	w.subject = nil
	debug.FreeOSMemory()
	s, err := newSubject(ctx, name, q.Data, max(1, q.Steps))
	if err != nil {
		return err
	}
	w.subject, w.name = s, name
	return nil
}

// The tasks of a recipe.

func trainingTask(recipe string, quantized bool) Task {
	name := "training, float"
	if quantized {
		name = "training, fake quantization"
	}
	return Task{Kind: Training, Recipe: recipe, Name: name, Unit: "s/epoch"}
}

func batchTask(recipe string) Task {
	return Task{Kind: Batch, Recipe: recipe, Name: "encrypted batch", Unit: "images/s", Rate: true}
}

func imageTask(recipe string) Task {
	return Task{Kind: Image, Recipe: recipe, Name: "one image, packed-ckks", Unit: "ms"}
}

func tableTask(recipe, layer string) Task {
	return Task{Kind: Lookup, Recipe: recipe, Name: "look-up in a batch, one core, " + layer, Unit: "us"}
}

func aloneTask(recipe string) Task {
	return Task{Kind: Lookup, Recipe: recipe, Name: "look-up by blind rotation", Unit: "ms"}
}

// tasks are what a description leaves to be measured.
func (d *Description) tasks(recipe string) []Task {
	all := []Task{trainingTask(recipe, false)}
	if d.Tuned {
		all = append(all, trainingTask(recipe, true))
	}
	switch {
	case !d.Quantized:
	case len(d.Tables) > 0:
		for _, layer := range d.Tables {
			all = append(all, tableTask(recipe, layer))
		}
		all = append(all, aloneTask(recipe))
	default:
		all = append(all, batchTask(recipe), imageTask(recipe))
	}
	return all
}
