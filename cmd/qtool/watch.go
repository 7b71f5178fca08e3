package main

import (
	"fmt"
	"io"
	"time"

	"qtool/internal/progress"
	"qtool/pipeline"
)

// env is what libraries are told of this call.
func (a *app) env() pipeline.Env {
	return pipeline.Env{DataDir: a.dataDir, Downloads: a.progress(), Watcher: a}
}

// Note implements pipeline.Watcher.
func (a *app) Note(text string) { fmt.Fprintf(a.stderr, "qtool: note: %s\n", text) }

// patience is how long work whose steps are not known may take before it gets a bar.
const patience = 2 * time.Second

// Begin implements pipeline.Watcher.
func (a *app) Begin(what string, total int) pipeline.Bar {
	b := &bar{w: a.progress(), what: what, start: time.Now()}
	if total > 0 {
		b.bar = progress.New(b.w, total, what)
	}
	return b
}

// bar is a progress bar. Without a total it appears late, for work that may be short.
type bar struct {
	w     io.Writer
	what  string
	start time.Time
	bar   *progress.Bar
}

// Describe implements pipeline.Bar.
func (b *bar) Describe(what string) {
	b.what = what
	b.bar.Describe(what)
}

// Set implements pipeline.Bar.
func (b *bar) Set(done, total int) {
	if b.bar == nil && time.Since(b.start) > patience {
		b.bar = progress.New(b.w, total, b.what)
	}
	b.bar.Set(done)
}

// End implements pipeline.Bar.
func (b *bar) End(err error) {
	if err != nil {
		b.bar.Abandon()
	} else {
		b.bar.Finish()
	}
}
