package files

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/wire"
)

// fake is a client and a server that encrypt nothing: a message has the samples' first
// codes, a byte each, and its answer has those plus one.
type fake struct {
	key       wire.KeyID
	spec      [32]byte
	evaluated int
	fail      int // the message that is not evaluated, counted from 1; 0 for none
}

var errFake = errors.New("it fails")

func (f *fake) Spec() *he.ClientSpec {
	return &he.ClientSpec{ClientPart: he.ClientPart{Sizes: he.Sizes{Samples: 2}}}
}

func (f *fake) KeyID() wire.KeyID { return f.key }

func (f *fake) Bytes() int64 { return 0 }

func (f *fake) write(w io.Writer, kind wire.Kind, m wire.Message, b []byte) error {
	out := wire.Create(w, wire.Object{Kind: kind, Spec: f.spec, Key: f.key, Message: m, Length: int64(len(b))})
	out.Bytes(b)
	_, err := out.End()
	return err
}

const fakeSecret = "this is the secret key"

func (f *fake) WriteSecretKey(w io.Writer) error {
	return f.write(w, wire.SecretKey, wire.Message{}, []byte(fakeSecret))
}

func (f *fake) WriteEvaluationKeys(_ context.Context, w io.Writer, _ func(he.Step)) error {
	return f.write(w, wire.EvaluationKeys, wire.Message{}, nil)
}

func (f *fake) Encrypt(_ context.Context, all []bundle.Sample, m wire.Message, w io.Writer, _ func(he.Step)) error {
	b := make([]byte, 100000) // longer than a chunk
	for i, s := range all {
		b[i] = byte(s[0])
	}
	return f.write(w, wire.Inputs, m, b)
}

func (f *fake) Decrypt(_ context.Context, out *wire.Reader, _ func(he.Step)) (*he.Decrypted, error) {
	b := out.NewBytes(int(out.Object().Length))
	var answers he.Exact
	for i := range int(out.Object().Message.Samples) {
		answers = append(answers, bundle.Vec{Small: []int64{int64(b[i])}})
	}
	return &he.Decrypted{Answers: answers}, out.End()
}

func (f *fake) ReadKeys(context.Context, io.Reader) (he.Keys, error) { return f, nil }

func (f *fake) Evaluate(_ context.Context, _ he.Keys, in *wire.Reader, w io.Writer, _ func(he.Step)) error {
	if f.evaluated++; f.evaluated == f.fail {
		return errFake
	}
	b := in.NewBytes(int(in.Object().Length))
	if err := in.End(); err != nil {
		return err
	}
	for i := range b {
		b[i]++
	}
	return f.write(w, wire.Outputs, in.Object().Message, b)
}

// seen are the samples 0 to n-1.
func seen(n int) func(func(bundle.Sample, error) bool) {
	return func(yield func(bundle.Sample, error) bool) {
		for i := range n {
			if !yield(bundle.Sample{int32(i)}, nil) {
				return
			}
		}
	}
}

// names are what is in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// corrupt changes one bit in the middle of a file.
func corrupt(t *testing.T, parts ...string) {
	t.Helper()
	path := filepath.Join(parts...)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
