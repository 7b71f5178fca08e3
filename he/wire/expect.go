package wire

import (
	"errors"
	"fmt"
)

// ErrSpec marks an object that belongs to another client half than its reader's, ErrKey
// one that belongs to another secret key.
var (
	ErrSpec = errors.New("belongs to another client half")
	ErrKey  = errors.New("belongs to another secret key")
)

// Expect refuses an object that is not what its reader takes, from its head alone: of
// another kind, with an error that wraps ErrSpec of another client half, with one that
// wraps ErrKey of another secret key, and of another length than want's. Any key will do
// where want has none, and the message is not looked at.
func (r *Reader) Expect(want Object) error {
	o := &r.head
	switch {
	case r.err != nil:
		return r.err
	case o.Kind != want.Kind:
		return r.Refuse(fmt.Errorf("wire: %v where %v are wanted", o.Kind, want.Kind))
	case o.Spec != want.Spec:
		return r.Refuse(fmt.Errorf("wire: %v: %w", o.Kind, ErrSpec))
	case want.Key != (KeyID{}) && o.Key != want.Key:
		return r.Refuse(fmt.Errorf("wire: %v: %w", o.Kind, ErrKey))
	case o.Length != want.Length:
		return r.Refuse(fmt.Errorf("wire: %v of %d bytes, want %d", o.Kind, o.Length, want.Length))
	}
	return nil
}

// ExpectMessage is Expect for inputs and outputs, which must also have 1 to most samples.
func (r *Reader) ExpectMessage(want Object, most int) error {
	if err := r.Expect(want); err != nil {
		return err
	}
	if n := r.head.Message.Samples; n < 1 || int64(n) > int64(most) {
		return r.Refuse(fmt.Errorf("wire: %v with %d samples, want 1 to %d", r.head.Kind, n, most))
	}
	return nil
}
