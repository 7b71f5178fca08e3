package secret

import (
	"fmt"
	"io"

	"qtool/he/wire"
)

// Write writes an object with the coefficients of a secret key, a byte each, which belong
// to a client half, and clears them.
func Write(w io.Writer, coefficients []byte, spec [32]byte, id wire.KeyID) error {
	defer clear(coefficients)
	out := wire.Create(w, wire.Object{Kind: wire.SecretKey, Spec: spec, Key: id, Length: int64(len(coefficients))})
	out.Bytes(coefficients)
	_, err := out.End()
	return err
}

// Read reads the n coefficients that Write wrote for the same client half, and nothing
// behind them. The caller clears them. The error wraps wire.ErrSpec for a key of another
// client half.
func Read(r io.Reader, n int, spec [32]byte) (coefficients []byte, id wire.KeyID, err error) {
	in, err := wire.OpenWanted(r, wire.Object{Kind: wire.SecretKey, Spec: spec, Length: int64(n)})
	if err != nil {
		return nil, id, fmt.Errorf("secret key: %w", err)
	}
	b := in.NewBytes(n)
	if err := in.EndOfFile(); err != nil {
		clear(b)
		return nil, id, fmt.Errorf("secret key: %w", err)
	}
	return b, in.Object().Key, nil
}
