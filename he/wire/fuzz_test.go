package wire_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"qtool/he/wire"
	"qtool/he/wire/wiretest"
)

// object is an object of 70,000 bytes, and a reader that checks no more than package wire
// does.
func object(t testing.TB, o wire.Object) wiretest.Written {
	var b bytes.Buffer
	o.Length = 70_000
	out := wire.Create(&b, o)
	for i := range int(o.Length) {
		out.Bytes([]byte{byte(i >> 3)})
	}
	if _, err := out.End(); err != nil {
		t.Fatal(err)
	}
	return wiretest.Written{Data: b.Bytes(), Again: func(r io.Reader) ([]byte, error) {
		in, err := wire.Open(r)
		if err != nil {
			return nil, err
		}
		got := in.Object()
		if got.Length > 1<<20 {
			return nil, fmt.Errorf("%d bytes", got.Length)
		}
		payload := in.NewBytes(int(got.Length))
		if err := in.EndOfFile(); err != nil {
			return nil, err
		}
		var again bytes.Buffer
		dst := wire.Create(&again, got)
		dst.Bytes(payload)
		if _, err := dst.End(); err != nil {
			panic(err)
		}
		return again.Bytes(), nil
	}}
}

// What is opened and read to its end is written as the same bytes.
func FuzzOpen(f *testing.F) {
	wiretest.FuzzObjects(f, map[wire.Kind]wiretest.Written{
		wire.Inputs:    object(f, wire.Object{Kind: wire.Inputs, Spec: [32]byte{1}, Key: wire.KeyID{2}, Message: wire.Message{Stream: wire.StreamID{3}, Index: 4, Samples: 5}}),
		wire.SecretKey: object(f, wire.Object{Kind: wire.SecretKey, Spec: [32]byte{1}, Key: wire.KeyID{2}}),
	})
}
