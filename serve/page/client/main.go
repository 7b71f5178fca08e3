//go:build js && wasm

// Command wasm is the client half in a browser: it makes keys, encrypts and decrypts. It
// has no weights, and the secret key never leaves its memory. It is built when a service
// with a page is; see package page.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"syscall/js"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
)

// session is what the page has open.
type session struct {
	spec   *he.ClientSpec
	client he.Client
	sent   wire.StreamID // of the last inputs
}

func main() {
	debug.SetGCPercent(50) // a browser's memory is small
	s := &session{}
	js.Global().Set("qtool", js.ValueOf(map[string]any{
		"open":    function(s.open),
		"keys":    function(s.keys),
		"encrypt": function(s.encrypt),
		"decrypt": function(s.decrypt),
	}))
	js.Global().Call("qtoolReady")
	select {} // the page ends it
}

// function makes a JavaScript function of f, which gets the arguments' bytes. Errors come
// back as {error}, with what took how long beside what f gives.
func function(f func(in []byte) (map[string]any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) (out any) {
		defer func() {
			if p := recover(); p != nil {
				out = js.ValueOf(map[string]any{"error": fmt.Sprint(p)})
			}
		}()
		var in []byte
		if len(args) > 0 {
			in = make([]byte, args[0].Get("byteLength").Int())
			js.CopyBytesToGo(in, args[0])
		}
		start := time.Now()
		got, err := f(in)
		if err != nil {
			return js.ValueOf(map[string]any{"error": err.Error()})
		}
		got["milliseconds"] = float64(time.Since(start).Microseconds()) / 1000
		return js.ValueOf(got)
	})
}

// array is a Uint8Array of b.
func array(b []byte) js.Value {
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}

// open takes a client half and draws a secret key.
func (s *session) open(in []byte) (map[string]any, error) {
	spec, err := he.ReadClientSpec(bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	c, err := roles.NewClient(spec)
	if err != nil {
		return nil, err
	}
	s.spec, s.client = spec, c
	shape, labels := []any{}, []any{}
	for _, d := range spec.Encoder.Shape() {
		shape = append(shape, d)
	}
	for _, l := range spec.Labels {
		labels = append(labels, l)
	}
	id := c.KeyID()
	return map[string]any{
		"kind": spec.Encoder.Kind(), "shape": shape, "labels": labels, "backend": spec.Backend,
		"security": spec.SecurityBits, "key": hex.EncodeToString(id[:]),
	}, nil
}

// keys makes the evaluation keys.
func (s *session) keys([]byte) (map[string]any, error) {
	var b bytes.Buffer
	b.Grow(int(wire.Size(s.spec.Sizes.Keys)))
	if err := s.client.WriteEvaluationKeys(context.Background(), &b, nil); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b.Bytes())
	return map[string]any{"bytes": array(b.Bytes()), "sha256": hex.EncodeToString(sum[:])}, nil
}

// encrypt takes a sample as a person has it: bytes of pixels, or a sentence in UTF-8.
func (s *session) encrypt(in []byte) (map[string]any, error) {
	tensor, err := s.spec.Encoder.Encode(in)
	if err != nil {
		return nil, err
	}
	s.sent = wire.NewStreamID()
	var b bytes.Buffer
	b.Grow(int(wire.Size(s.spec.Sizes.Inputs)))
	m := wire.Message{Stream: s.sent, Samples: 1, Last: true}
	if err := s.client.Encrypt(context.Background(), []bundle.Sample{s.spec.Input.Sample(tensor)}, m, &b, nil); err != nil {
		return nil, err
	}
	return map[string]any{"bytes": array(b.Bytes())}, nil
}

// decrypt reads the answer to the last inputs.
func (s *session) decrypt(in []byte) (map[string]any, error) {
	var answer roles.Reading
	_, err := roles.DecryptStream(context.Background(), s.client, bytes.NewReader(in), &s.sent, nil, func(_ int, d *he.Decrypted) error {
		answer = roles.Read(s.spec, d.Answers)[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	scores := []any{}
	for _, x := range answer.Scores {
		scores = append(scores, x)
	}
	return map[string]any{"label": answer.Label, "scores": scores, "undecided": answer.Undecided}, nil
}
