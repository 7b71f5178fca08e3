package bundle_test

import (
	"bytes"
	"errors"
	"testing"

	"qtool/bundle"
	"qtool/bundle/lstmtest"
)

// The client's part travels with the bundle, byte for byte, under a hash.
func TestClientPart(t *testing.T) {
	f := &bundle.File{Program: lstmtest.Table(small, 60, 1), Client: []byte("words of a client")}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := bundle.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Client, f.Client) {
		t.Errorf("client %q, want %q", again.Client, f.Client)
	}
	altered := bytes.Replace(b, []byte("words of"), []byte("works of"), 1)
	if _, err := bundle.Decode(altered); !errors.Is(err, bundle.ErrAltered) {
		t.Errorf("an altered client's part: %v", err)
	}
}
