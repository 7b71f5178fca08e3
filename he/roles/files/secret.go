package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
	"qtool/internal/hint"
	"qtool/internal/whole"
)

// maxSecret bounds the file of a secret key, in bytes.
const maxSecret = 1 << 28

// Passphrase gives the passphrase of a sealed key when it is needed. The caller clears
// what it gives.
type Passphrase func() ([]byte, error)

// CreateSecret writes the secret key of a client to a new file of mode 0600, sealed if
// there is a passphrase. It overwrites nothing: where there is a file, the error wraps
// fs.ErrExist.
func CreateSecret(path string, c he.Client, passphrase []byte) error {
	var b bytes.Buffer
	err := c.WriteSecretKey(&b)
	defer clear(b.Bytes())
	if err != nil {
		return err
	}
	out, err := whole.Create(path, 0o600)
	if err != nil {
		return err
	}
	defer out.Discard()
	if passphrase == nil {
		_, err = out.Write(b.Bytes())
	} else {
		err = seal(out, b.Bytes(), passphrase)
	}
	if err != nil {
		return err
	}
	return out.CommitNew()
}

// Secret is the file of a secret key, as it was found.
type Secret struct {
	path   string
	b      []byte
	Sealed bool
	// Open says that others than its owner may read the file.
	Open bool
}

// ReadSecret reads the file of a secret key, which stays sealed if it is. What is none is
// refused with an error that says what it is.
func ReadSecret(path string) (*Secret, error) {
	b, err := whole.Bytes(path, maxSecret)
	if err != nil {
		return nil, hint.With(err, made(wire.SecretKey))
	}
	s := &Secret{path: path, b: b, Sealed: isSealed(b)}
	if info, err := os.Stat(path); err == nil {
		s.Open = info.Mode().Perm()&0o077 != 0
	}
	if !s.Sealed {
		if _, err := read(path, bytes.NewReader(b), wire.SecretKey); err != nil {
			s.Clear()
			return nil, err
		}
	}
	return s, nil
}

// Clear overwrites the key in memory.
func (s *Secret) Clear() { clear(s.b) }

// Format hides the key from every verb.
func (s *Secret) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[secret key in %s]", s.path) }

// ErrSealed marks a key that needs a passphrase, and none was given.
var ErrSealed = errors.New("it is sealed with a passphrase")

// Client is the client of the key, for the half that stands in the file with. ask is
// called where the key is sealed; nil gives an error that wraps ErrSealed.
func (s *Secret) Client(ctx context.Context, spec *he.ClientSpec, with string, ask Passphrase) (he.Client, error) {
	b := s.b
	if s.Sealed {
		if ask == nil {
			return nil, fmt.Errorf("%s: %w", s.path, ErrSealed)
		}
		passphrase, err := ask()
		if err != nil {
			return nil, err
		}
		defer clear(passphrase)
		if b, err = unseal(ctx, s.b, passphrase); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
		defer clear(b)
	}
	in := bytes.NewReader(b)
	o, err := read(s.path, in, wire.SecretKey)
	if err != nil {
		return nil, err
	}
	hash, err := spec.Hash()
	if err != nil {
		return nil, err
	}
	if err := o.Belongs(hash, with); err != nil {
		return nil, err
	}
	c, err := roles.ReadClient(spec, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	if err := Ended(o); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return c, nil
}

// Exists reports whether there is something at a path, be it a link to nothing.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
