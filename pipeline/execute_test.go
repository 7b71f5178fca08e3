package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"qtool/internal/hint"
	"qtool/internal/lock"
	"qtool/internal/whole"
	"qtool/verify"
	"qtool/verify/runlog"
)

// Whatever ends a verification, the hint says what is kept and what to do.
func TestVerificationHints(t *testing.T) {
	const log = "out/verify.state"
	for _, c := range []struct {
		err       error
		log, want string
	}{
		{&verify.InterruptedError{Batches: 3, Log: log}, log, "no batch was finished yet; the same command with --resume goes on with the first"},
		{&verify.InterruptedError{Finished: 2, Batches: 3, Log: log}, log, "2 of 3 batches are kept in out/verify.state; the same command with --resume goes on"},
		{&verify.InterruptedError{Finished: 2, Batches: 3}, "", "with --out, finished batches are kept"},
		{&runlog.DifferentError{Keys: []string{"samples"}}, log, "without out/verify.state, everything is encrypted again"},
		{fmt.Errorf("%s: %w", log, runlog.ErrForeign), log, "an earlier version, or another program, wrote it: remove out/verify.state"},
		{fmt.Errorf("%s: record 3: %w", log, runlog.ErrDamaged), log, "remove out/verify.state"},
		{fmt.Errorf("%s is %w", log, lock.ErrHeld), log, "wait for the other verification"},
		{syscall.ENOSPC, log, "what was finished is kept in out/verify.state; the same command with --resume goes on"},
		{syscall.ENOSPC, "", ""},
		{fmt.Errorf("%s %w, it is a pipe", log, whole.ErrNotRegular), log, ""},
	} {
		err := withLogHint(c.err, c.log, (&verification{}).begin())
		if hint := hint.Of(err); !errors.Is(err, c.err) || !strings.Contains(hint, c.want) || c.want == "" && hint != "" {
			t.Errorf("%v: hint %q, want %q", c.err, hint, c.want)
		}
	}
}
