package pipeline

import (
	"io"

	"qtool/internal/hint"
)

// Env is what the stages of a run and the checks of bundles share. The zero value looks
// for datasets where datasets.Options does, and tells nobody how work goes on.
type Env struct {
	// DataDir is a folder of datasets that is looked at first.
	DataDir string
	// Downloads gets the progress bars of downloads; nil for none.
	Downloads io.Writer
	// Watcher is told how work goes on; nil for nobody.
	Watcher Watcher
}

// Watcher is told how work goes on. Its methods are called from one goroutine at a time.
type Watcher interface {
	// Note tells of something that is no error.
	Note(text string)
	// Begin begins work of so many steps. With total 0 their number is not known yet,
	// and the work may be over before it is worth showing.
	Begin(what string, total int) Bar
}

// Bar is how far one piece of work is.
type Bar interface {
	// Describe says what is done now.
	Describe(what string)
	// Set says that done of total steps are finished.
	Set(done, total int)
	// End ends the work, with nil where it is complete.
	End(err error)
}

// Note tells the watcher, if there is one.
func (e *Env) Note(text string) {
	if e.Watcher != nil {
		e.Watcher.Note(text)
	}
}

// Begin begins work that the watcher, if there is one, shows.
func (e *Env) Begin(what string, total int) Bar {
	if e.Watcher != nil {
		return e.Watcher.Begin(what, total)
	}
	return unseen{}
}

// unseen is work that nobody watches.
type unseen struct{}

func (unseen) Describe(string) {}
func (unseen) Set(_, _ int)    {}
func (unseen) End(error)       {}

// Hint is the advice that goes with an error of this package or of those below it, "" for
// none.
func Hint(err error) string { return hint.Of(err) }
