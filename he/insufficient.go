package he

import (
	"errors"
	"fmt"
)

// ErrInsufficient marks a program that no secure parameters of a back end carry. Every
// InsufficientError is one.
var ErrInsufficient = errors.New("parameters are insufficient")

// InsufficientError says what of a program passes which limit of a back end.
type InsufficientError struct {
	Backend string // the package that speaks: bgv, bgvlut, packed, tfhe or lstm
	Layer   string // that passes the limit; empty where it is the whole program
	Limit   string // what is needed and what the limit is
	Cause   error  // in place of Limit, where another package found it
}

// Insufficient is an InsufficientError of a layer whose limit has a format.
func Insufficient(backend, layer, format string, a ...any) error {
	return &InsufficientError{Backend: backend, Layer: layer, Limit: fmt.Sprintf(format, a...)}
}

// Error names the back end, the layer and the limit.
func (e *InsufficientError) Error() string {
	text := e.Backend + ": "
	if e.Layer != "" {
		text += fmt.Sprintf("layer %q: ", e.Layer)
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s%v: %v", text, e.Cause, ErrInsufficient)
	}
	return fmt.Sprintf("%s%s: %v", text, e.Limit, ErrInsufficient)
}

// Unwrap is ErrInsufficient, and the cause if there is one.
func (e *InsufficientError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrInsufficient}
	}
	return []error{ErrInsufficient, e.Cause}
}

// AtLayer says that err is of a layer: an InsufficientError without one gets it, and any
// other error is wrapped with the back end and the layer.
func AtLayer(err error, backend, layer string) error {
	if e, ok := err.(*InsufficientError); ok && e.Layer == "" {
		named := *e
		named.Backend, named.Layer = backend, layer
		return &named
	}
	return fmt.Errorf("%s: layer %q: %w", backend, layer, err)
}
