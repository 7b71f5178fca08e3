// Package whole reads and writes files that are decoded and encoded in one piece.
package whole

import (
	"bytes"
	"errors"
	"fmt"
)

// Write writes what encode gives; the file appears only when complete.
func Write(path string, encode func() ([]byte, error)) error {
	b, err := encode()
	if err != nil {
		return err
	}
	return WriteFile(path, b)
}

// Read decodes a regular file of at most limit bytes; see Bytes. Errors of decode
// get the path in front.
func Read[T any](path string, limit int64, decode func([]byte) (*T, error)) (*T, error) {
	b, err := Bytes(path, limit)
	if err != nil {
		return nil, err
	}
	v, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// ErrNotCanonical marks bytes that say what they say in another way than is written.
var ErrNotCanonical = errors.New("not in canonical form: something was added, reordered or rewritten, or another version made it")

// Canonical refuses bytes that are not what encode makes of what was decoded from
// them, so that equal contents have equal bytes.
func Canonical(b []byte, encode func() ([]byte, error)) error {
	again, err := encode()
	if err == nil && !bytes.Equal(again, b) {
		err = ErrNotCanonical
	}
	return err
}
