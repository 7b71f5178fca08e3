package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"qtool/he/wire"
	"qtool/internal/hint"
	"qtool/internal/whole"
)

// Stdin is the path that stands for standard input, and Stdout, the same, for standard
// output.
const (
	Stdin  = "-"
	Stdout = "-"
)

// Object is a file, opened at its beginning, whose first object has a head that was read.
// It must be closed.
type Object struct {
	Path string
	Head wire.Object
	// Size is the size of the file in bytes; 0 where it is not known.
	Size int64
	io.Reader
	close func() error
}

// Close closes the file. It does not close standard input.
func (o *Object) Close() error { return o.close() }

// Open opens a regular file that begins with an object of one kind. What is something
// else is refused with an error that says what it is.
func Open(path string, want wire.Kind) (*Object, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, hint.With(err, made(want))
	}
	info, err := f.Stat()
	var o *Object
	if err == nil {
		o, err = read(path, f, want)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	o.Size, o.close = info.Size(), f.Close
	return o, nil
}

// Read is Open for what is open already, such as standard input; name stands for it in
// errors. Closing the object leaves r open.
func Read(name string, r io.Reader, want wire.Kind) (*Object, error) { return read(name, r, want) }

func read(path string, r io.Reader, want wire.Kind) (*Object, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	head, err := in.Peek(int(wire.Size(0)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	o, err := identify(head)
	if err != nil {
		return nil, hint.With(fmt.Errorf("%s: %w", path, err), "wanted is "+Noun(want)+"; "+made(want))
	}
	if o.Kind != want {
		return nil, hint.With(fmt.Errorf("%s: it is %s, want %s", path, Noun(o.Kind), Noun(want)), made(want))
	}
	return &Object{Path: path, Head: o, Reader: in, close: func() error { return nil }}, nil
}

// sealed begins what age seals, and armored what it writes as text.
const (
	sealed  = "age-encryption.org/v1\n"
	armored = "-----BEGIN AGE ENCRYPTED FILE-----"
)

// isSealed reports whether a file that begins so is sealed with a passphrase.
func isSealed(b []byte) bool {
	return bytes.HasPrefix(b, []byte(sealed)) || bytes.HasPrefix(b, []byte(armored))
}

// identify reads the head of an object, or says what a file that begins so is instead.
func identify(b []byte) (wire.Object, error) {
	for _, other := range []struct{ magic, is string }{
		{"PK\x03\x04", "it is a zip file, such as a bundle"},
		{"\x89PNG", "it is a picture"},
		{sealed, "it is a secret key, or something else, that is sealed with a passphrase"},
		{armored, "it is a secret key, or something else, that is sealed with a passphrase"},
	} {
		if bytes.HasPrefix(b, []byte(other.magic)) {
			return wire.Object{}, fmt.Errorf("%s: %w", other.is, wire.ErrMagic)
		}
	}
	in, err := wire.Open(bytes.NewReader(b))
	if err == io.EOF {
		return wire.Object{}, errors.New("it is empty")
	}
	if err != nil {
		return wire.Object{}, err
	}
	return in.Object(), nil
}

// Noun is a kind of object as sentences name it.
func Noun(k wire.Kind) string {
	switch k {
	case wire.ClientHalf, wire.ServerHalf, wire.SecretKey:
		return "a " + k.String()
	case wire.Inputs, wire.Outputs:
		return "encrypted " + k.String()
	}
	return k.String()
}

// made says what makes objects of a kind.
func made(k wire.Kind) string {
	by := "qtool plan --bundle F --client C --server S makes the two halves"
	switch k {
	case wire.SecretKey, wire.EvaluationKeys:
		by = "qtool keygen --client C --secret K --keys E makes keys"
	case wire.Inputs:
		by = "qtool encrypt --client C --secret K --in X --out Y makes encrypted inputs"
	case wire.Outputs:
		by = "qtool infer --server S --keys E --in Y --out Z makes encrypted outputs"
	}
	return by
}

// Belongs refuses an object of another client half than the one with hash spec, which the
// file with is or belongs to.
func (o *Object) Belongs(spec [32]byte, with string) error {
	if o.Head.Spec == spec {
		return nil
	}
	return hint.With(fmt.Errorf("%s: it is of the client half %x, %s is of %x", o.Path, o.Head.Spec[:8], with, spec[:8]),
		"the two halves that one qtool plan wrote, and the keys and messages made with them, belong together")
}

// Under refuses an object under another secret key than the one that is named by key, which
// the file with is or belongs to.
func (o *Object) Under(key wire.KeyID, with string) error {
	if o.Head.Key == key {
		return nil
	}
	return hint.With(fmt.Errorf("%s: it is under the secret key %x, %s is under %x", o.Path, o.Head.Key[:8], with, key[:8]),
		"name the keys that one qtool keygen made")
}
