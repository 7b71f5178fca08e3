package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/pprof"
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
	Data     string `json:"data,omitempty"`    // folder of datasets
	Steps    int    `json:"steps,omitempty"`   // of a round of training
	Slice    int    `json:"slice,omitempty"`   // milliseconds of a kernel
	Profile  string `json:"profile,omitempty"` // file for a CPU profile of the round
}

// answer is a line that a worker writes: one a request and, before it, some that
// have Share alone.
type answer struct {
	Share       float64      `json:"share,omitempty"` // done of a long round
	Value       float64      `json:"value"`
	CPU         float64      `json:"cpu,omitempty"` // Value by processor time; 0 where it is not known
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
	s := worker{report: func(share float64) { _ = out.Encode(answer{Share: share}) }} // where it fails, so does the answer
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
	report  func(share float64)
	tables  tables
}

func (w *worker) answer(ctx context.Context, q request) (a answer, err error) {
	if q.Describe != "" {
		if err := w.open(ctx, q.Describe, q); err != nil {
			return answer{}, err
		}
		a.Description, err = w.subject.describe(ctx, q.Describe)
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
	if t.Kind == Lookup && t.Recipe == "" {
		r, err := w.tables.round(ctx, t)
		return answer{Value: r.wall, CPU: r.cpu, Note: r.note}, err
	}
	w.tables = tables{} // a recipe has the memory for itself
	if err := w.open(ctx, t.Recipe, q); err != nil {
		return a, err
	}
	s := w.subject
	if q.Profile != "" { // of a warm round, not of what comes before the first
		if _, err := s.measure(ctx, t); err != nil {
			return a, err
		}
		stop, err := profile(q.Profile)
		if err != nil {
			return a, err
		}
		defer stop()
	}
	r, err := s.measure(ctx, t)
	return answer{Value: r.wall, CPU: r.cpu, Note: r.note}, err
}

// profile writes a CPU profile, of what runs until stop is called, to a file.
func profile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
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
	s.report = w.report
	w.subject, w.name = s, name
	return nil
}
