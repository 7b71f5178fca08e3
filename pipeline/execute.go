package pipeline

import (
	"context"
	"errors"
	"fmt"

	"qtool/he"
	"qtool/internal/hint"
	"qtool/internal/lock"
	"qtool/internal/whole"
	"qtool/verify"
	"qtool/verify/runlog"
)

// execute runs a verification under a progress bar. What it keeps, and how to go on with
// it, is said where it ends early; begin is what to do where nothing is kept.
func (e *Env) execute(ctx context.Context, what string, t verify.Task, begin string) (*he.Result, error) {
	bar := &batchBar{env: e, what: what}
	t.Progress = bar.step
	t.Resumed = func(samples int, torn int64) {
		if torn > 0 {
			e.Note(fmt.Sprintf("%s: %d bytes of a torn last record were cut off", t.Log, torn))
		}
		if samples > 0 {
			e.Note(fmt.Sprintf("%s answers the first %d of %d samples", t.Log, samples, len(t.Samples)))
		}
	}
	r, err := verify.Run(ctx, t)
	if err != nil {
		bar.end(err)
		return nil, withLogHint(err, t.Log, begin)
	}
	bar.end(nil)
	return r, nil
}

// withLogHint says what to do about a verification that ended early.
func withLogHint(err error, log, begin string) error {
	var interrupted *verify.InterruptedError
	var different *runlog.DifferentError
	switch {
	case errors.As(err, &interrupted):
		return hint.With(err, interruptedHint(interrupted, begin))
	case errors.As(err, &different):
		return hint.With(err, fmt.Sprintf("the bundle and the options of the interrupted run go on; without %s, everything is encrypted again", log))
	case errors.Is(err, runlog.ErrForeign):
		return hint.With(err, fmt.Sprintf("an earlier version, or another program, wrote it: remove %s, and everything is encrypted again", log))
	case errors.Is(err, runlog.ErrDamaged):
		return hint.With(err, fmt.Sprintf("remove %s, and everything is encrypted again", log))
	case errors.Is(err, lock.ErrHeld):
		return hint.With(err, "wait for the other verification, or name another folder with --out")
	case errors.Is(err, whole.ErrNotRegular):
		return err // nothing was or could be kept there
	case log != "":
		return hint.With(err, fmt.Sprintf("what was finished is kept in %s; the same command with --resume goes on", log))
	}
	return err
}

func interruptedHint(i *verify.InterruptedError, begin string) string {
	switch {
	case i.Log == "":
		return begin
	case i.Finished == 0:
		return "no batch was finished yet; the same command with --resume goes on with the first"
	}
	return fmt.Sprintf("%d of %d batches are kept in %s; the same command with --resume goes on", i.Finished, i.Batches, i.Log)
}

// batchBar is one progress bar over several batches.
type batchBar struct {
	env   *Env
	what  string
	bar   Bar // nil before the first step
	phase string
}

func (b *batchBar) step(p verify.Progress) {
	if b.bar == nil {
		b.bar = b.env.Begin(b.what, p.Total*p.Batches)
	}
	if phase := fmt.Sprintf("%s: %s, batch %d of %d", b.what, p.Phase, p.Batch+1, p.Batches); phase != b.phase {
		b.phase = phase
		b.bar.Describe(phase)
	}
	b.bar.Set(p.Batch*p.Total+p.Done, p.Total*p.Batches)
}

// end ends the bar, if there is one yet.
func (b *batchBar) end(err error) {
	if b.bar != nil {
		b.bar.End(err)
	}
}

// alone is step of what is no part of several.
func (b *batchBar) alone(s he.Step) { b.step(verify.Progress{Batches: 1, Step: s}) }
