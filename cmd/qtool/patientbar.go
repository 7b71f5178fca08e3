package main

import (
	"io"
	"time"

	"qtool/internal/progress"
)

// patience is how long work may take before it gets a progress bar.
const patience = 2 * time.Second

// patientBar is a progress bar for work that may be short: it appears late.
type patientBar struct {
	w     io.Writer
	what  string
	start time.Time
	bar   *progress.Bar
}

func newPatientBar(w io.Writer, what string) *patientBar {
	return &patientBar{w: w, what: what, start: time.Now()}
}

// describe changes the text.
func (b *patientBar) describe(what string) {
	b.what = what
	b.bar.Describe(what)
}

func (b *patientBar) set(done, total int) {
	if b.bar == nil && time.Since(b.start) > patience {
		b.bar = progress.New(b.w, total, b.what)
	}
	b.bar.Set(done)
}

// end completes the bar, or leaves it as it is after an error.
func (b *patientBar) end(err error) {
	if err != nil {
		b.bar.Abandon()
	} else {
		b.bar.Finish()
	}
}
