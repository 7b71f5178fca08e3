// Package hint is advice that goes with an error. Libraries give it, and a command
// prints it below the error; whoever embeds them finds it with errors.As and the
// interface{ Hint() string }.
package hint

import "errors"

// Error is an error with advice on what to do about it.
type Error struct {
	err error
	// Advice is a lower-case sentence without a period.
	Advice string
}

// With returns err with advice; nil stays nil.
func With(err error, advice string) error {
	if err == nil {
		return nil
	}
	return &Error{err, advice}
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// Hint returns the advice.
func (e *Error) Hint() string { return e.Advice }

// Of is the advice of the outermost error that has any, "" for none.
func Of(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
