// Package progress draws the progress bars of long work.
package progress

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar is a progress bar. The nil Bar draws nothing.
type Bar struct{ bar *progressbar.ProgressBar }

// New starts a bar of total steps on w; it returns nil if w is nil. Where w is
// no terminal, as in the log of a CI job, it is redrawn every few seconds only.
func New(w io.Writer, total int, description string) *Bar {
	if w == nil {
		return nil
	}
	return &Bar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(description),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(throttle(w)),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionShowElapsedTimeOnFinish(),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionOnCompletion(func() { io.WriteString(w, "\n") }),
	)}
}

func throttle(w io.Writer) time.Duration {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return 100 * time.Millisecond
	}
	return 5 * time.Second
}

// Set moves the bar to step done.
func (b *Bar) Set(done int) {
	if b != nil {
		b.bar.Set(done)
	}
}

// Describe changes the text before the bar.
func (b *Bar) Describe(text string) {
	if b != nil {
		b.bar.Describe(text)
	}
}

// Finish completes the bar.
func (b *Bar) Finish() {
	if b != nil && !b.bar.IsFinished() {
		b.bar.Finish()
	}
}

// Abandon leaves the bar as it is and starts a new line: the work was
// interrupted.
func (b *Bar) Abandon() {
	if b != nil && !b.bar.IsFinished() {
		b.bar.Exit()
	}
}

// SetTotal changes the number of steps.
func (b *Bar) SetTotal(total int) {
	if b != nil && total != b.bar.GetMax() {
		b.bar.ChangeMax(total)
	}
}
