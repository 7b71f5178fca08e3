package datasets

import "errors"

// ErrMissing is wrapped by the error of [Load] when input data is in none of
// the places looked at and could not be downloaded. Data that is there but
// wrong (altered, truncated, malformed) is another error.
var ErrMissing = errors.New("input data missing")

// HintError is an error together with advice on what to do about it.
// Callers that print hints find it with errors.As and call Hint.
type HintError struct {
	Err    error
	Advice string // one lower-case sentence, no period
}

func (e *HintError) Error() string { return e.Err.Error() }
func (e *HintError) Unwrap() error { return e.Err }

// Hint returns the advice.
func (e *HintError) Hint() string { return e.Advice }
