package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"qtool/bundle"
	"qtool/encode"
	"qtool/he"
	"qtool/verify/runlog"
)

// Task is a verification: an executor and the samples that it is to answer.
type Task struct {
	Executor he.Executor
	// Encoder, nil for bytes / 255, and Input make codes of Samples, a batch at a time:
	// all that an executor sees of them.
	Encoder *encode.Pixels
	Input   bundle.Input
	Samples [][]uint8
	// Log is the path of the log of finished batches (see runlog), "" for none. A batch
	// that has been kept is not run again by a Task with Resume.
	Log    string
	Resume bool
	// BundleSHA256 and DatasetSHA256 say what Executor runs and where Samples are from.
	// The log belongs to them, to the number of samples, and to the executor's
	// parameters.
	BundleSHA256, DatasetSHA256 string
	// Progress, if not nil, is called from one goroutine at a time.
	Progress func(Progress)
	// Resumed, if not nil, is called once, before anything is run, with how many
	// samples the log answers and how many bytes of a torn record it ended in.
	Resumed func(samples int, torn int64)
}

// Progress is a step of one of Batches batches, Batch of which are finished.
type Progress struct {
	Batch, Batches int
	he.Step
}

// InterruptedError is a run that its context ended.
type InterruptedError struct {
	// Finished of Batches batches are answered, and kept in Log unless that is "".
	Finished, Batches int
	Log               string
	err               error
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("verify: interrupted after %d of %d batches: %v", e.Finished, e.Batches, e.err)
}

func (e *InterruptedError) Unwrap() error { return e.err }

// Run answers all samples, batch by batch, and joins what the executor gives. A batch is
// as many samples as its Backend says. On error it returns no result; the log then holds
// every batch that was finished, and a Task with Resume goes on behind them. The log
// stays when the run is finished: its reader removes it (RemoveLog) once the result is
// safe elsewhere.
//
// It returns an *InterruptedError if ctx ends the run, and with Resume a
// *runlog.DifferentError if the log is of something else and an error that wraps
// runlog.ErrDamaged or runlog.ErrForeign if it cannot be read; nothing is changed then.
func Run(ctx context.Context, t Task) (*he.Result, error) {
	r := &run{Task: t}
	if err := r.open(); err != nil {
		return nil, err
	}
	err := r.all(ctx)
	if r.log != nil {
		err = errors.Join(err, r.log.Close())
	}
	if err != nil {
		return nil, err
	}
	return join(r.parts), nil
}

// RemoveLog removes a log whose results are safe elsewhere; none is no error.
func RemoveLog(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// run is a Task under way.
type run struct {
	Task
	log   *runlog.Log
	parts []*part
	done  int // samples that parts answer
}

// open reads or begins the log.
func (r *run) open() (err error) {
	if r.Log == "" {
		return nil
	}
	if !r.Resume {
		r.log, err = runlog.Create(r.Log, r.identity())
		return err
	}
	r.log, err = runlog.Resume(r.Log, r.identity(), func(payload []byte) error {
		p := &part{}
		if err := json.Unmarshal(payload, p); err != nil {
			return fmt.Errorf("%w: %w", runlog.ErrDamaged, err)
		}
		return r.take(p)
	})
	if err == nil && r.Resumed != nil {
		r.Resumed(r.done, r.log.Cut())
	}
	return err
}

// take adds a finished part.
func (r *run) take(p *part) error {
	first := p
	if len(r.parts) > 0 {
		first = r.parts[0]
	}
	if err := p.check(r.done, len(r.Samples), first); err != nil {
		return err
	}
	r.parts, r.done = append(r.parts, p), r.done+p.samples()
	return nil
}

// all runs what the log does not answer yet.
func (r *run) all(ctx context.Context) error {
	size := r.Executor.Backend().BatchSize()
	if size == 0 {
		size = max(len(r.Samples), 1)
	}
	batches := len(r.parts) + (len(r.Samples)-r.done+size-1)/size
	for k := len(r.parts); k < batches; k++ {
		from := r.done
		batch := r.Input.Pictures(r.Encoder, r.Samples[from:min(from+size, len(r.Samples))])
		result, err := r.Executor.Run(ctx, batch, func(s he.Step) {
			if r.Progress != nil {
				r.Progress(Progress{k, batches, s})
			}
		})
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return &InterruptedError{k, batches, r.Log, err}
		}
		if err != nil {
			return he.InSamples(err, from, len(batch), len(r.Samples))
		}
		p := newPart(from, result)
		if p.samples() != len(batch) {
			return fmt.Errorf("verify: %s answered %d of %d samples", r.Executor.Backend().Name, p.samples(), len(batch))
		}
		if err := r.take(p); err != nil {
			return fmt.Errorf("verify: %s: %w", r.Executor.Backend().Name, err)
		}
		if err := r.keep(p); err != nil {
			return err
		}
	}
	return nil
}

// keep appends a part to the log.
func (r *run) keep(p *part) error {
	if r.log == nil {
		return nil
	}
	b, err := json.Marshal(p)
	if err == nil {
		err = r.log.Append(b)
	}
	if err != nil {
		return fmt.Errorf("verify: keeping the answers to samples %d to %d: %w", p.From, p.From+p.samples()-1, err)
	}
	return nil
}

// identity is everything that the answers depend on. The number of workers, times, and
// the version of the program are not among it.
func (r *run) identity() runlog.Identity {
	b := r.Executor.Backend()
	var budget []string
	for _, s := range b.Budget {
		budget = append(budget, fmt.Sprintf("%s %.2f", s.Layer, s.BitsLeft))
	}
	field := func(key string, value any) runlog.Field { return runlog.Field{Key: key, Value: fmt.Sprint(value)} }
	return runlog.Identity{
		field("back end", b.Name),
		field("bundle", r.BundleSHA256),
		field("dataset", r.DatasetSHA256),
		field("samples", fmt.Sprintf("0 to %d", len(r.Samples)-1)),
		field("ring degree", fmt.Sprintf("2^%d", b.LogN)),
		field("slots", b.Slots),
		field("plaintext moduli", b.PlaintextModuli),
		field("ciphertext moduli", b.CiphertextModuli),
		field("torus slots", b.TorusSlots),
		field("security bits", b.SecurityBits),
		field("predicted noise", strings.Join(budget, ", ")),
	}
}
