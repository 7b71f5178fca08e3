// Package guard keeps secrets from being printed, logged and marshaled.
package guard

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
)

// ErrHidden is the error of everything that would write a secret out by accident.
var ErrHidden = errors.New("secrets are not marshaled")

// Secret keeps a type T that embeds it from being written out: every verb of
// package fmt and every slog handler writes T's name alone, and encoding/json,
// encoding/gob and whatever asks for text or bytes get ErrHidden. The methods have
// value receivers, so that both T and *T have them.
//
// Package fmt calls no methods on unexported fields: it prints them field by
// field, and a pointer below the top as an address; for a verb that does not fit,
// what the pointer points to. T must therefore hold its secrets two pointers away,
// so that a struct with an unexported T prints none, whatever the verb.
type Secret[T any] struct{}

func (Secret[T]) name() string { return reflect.TypeFor[T]().String() }

// Format implements fmt.Formatter.
func (g Secret[T]) Format(s fmt.State, _ rune) {
	io.WriteString(s, g.name()) // package fmt takes no errors
}

// LogValue implements slog.LogValuer.
func (g Secret[T]) LogValue() slog.Value { return slog.StringValue(g.name()) }

func (g Secret[T]) refuse() ([]byte, error) { return nil, fmt.Errorf("%s: %w", g.name(), ErrHidden) }

// MarshalJSON implements json.Marshaler: it refuses.
func (g Secret[T]) MarshalJSON() ([]byte, error) { return g.refuse() }

// MarshalText implements encoding.TextMarshaler: it refuses.
func (g Secret[T]) MarshalText() ([]byte, error) { return g.refuse() }

// MarshalBinary implements encoding.BinaryMarshaler: it refuses.
func (g Secret[T]) MarshalBinary() ([]byte, error) { return g.refuse() }

// GobEncode implements gob.GobEncoder: it refuses.
func (g Secret[T]) GobEncode() ([]byte, error) { return g.refuse() }
