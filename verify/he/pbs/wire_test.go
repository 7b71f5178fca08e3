package pbs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"qtool/bundle/bundletest"
)

// smallPlan is a small program under insecure parameters.
func smallPlan(t testing.TB) *Plan {
	p := newNet(t, seeded(8), net{bits: 1, maxWeight: 1, table: sigmoid(1), widths: []int{6, 4, 2}})
	l := testInsecureLiteral()
	l.LogN, l.Dimension = 8, 20
	return forced(t, p, l)
}

// objects are a client's and server's, serialised.
type objects struct {
	plan                     *Plan
	secret, keys, in, output []byte
}

func newObjects(t testing.TB) *objects {
	t.Helper()
	p := smallPlan(t)
	c, err := NewClient(p)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.EvaluationKeys(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(p, keys)
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Encrypt([]uint8{0, 255, 0, 0, 255, 255})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Evaluate(context.Background(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &objects{p, encoded(t, c.secret), encoded(t, keys), encoded(t, in), encoded(t, out)}
}

func encoded(t testing.TB, w io.WriterTo) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := w.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

// decoders reads each kind and gives it back encoded.
func (o *objects) decoders(t testing.TB) map[string]struct {
	data []byte
	read func([]byte) ([]byte, error)
} {
	type entry = struct {
		data []byte
		read func([]byte) ([]byte, error)
	}
	again := func(w io.WriterTo, err error) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return encoded(t, w), nil
	}
	return map[string]entry{
		"secret key":     {o.secret, func(b []byte) ([]byte, error) { return again(o.plan.ReadSecretKey(bytes.NewReader(b))) }},
		"evaluation key": {o.keys, func(b []byte) ([]byte, error) { return again(o.plan.ReadEvaluationKeys(bytes.NewReader(b))) }},
		"input":          {o.in, func(b []byte) ([]byte, error) { return again(o.plan.ReadInput(bytes.NewReader(b))) }},
		"output":         {o.output, func(b []byte) ([]byte, error) { return again(o.plan.ReadOutput(bytes.NewReader(b))) }},
	}
}

func TestInsecureWire(t *testing.T) {
	o := newObjects(t)
	rng, head := seeded(1), int(format.Bytes(0))-sha256.Size
	if int64(len(o.in)) != o.plan.InputBytes() || int64(len(o.output)) != o.plan.OutputBytes() {
		t.Errorf("%d and %d bytes, said to be %d and %d", len(o.in), len(o.output), o.plan.InputBytes(), o.plan.OutputBytes())
	}
	for name, d := range o.decoders(t) {
		again, err := d.read(d.data)
		if err != nil || !bytes.Equal(again, d.data) {
			t.Errorf("%s: changed on the wire, %v", name, err)
		}
		for _, n := range []int{0, 1, head - 1, head, head + 5, len(d.data) / 2, len(d.data) - 33, len(d.data) - 1} {
			if _, err := d.read(d.data[:n]); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		for range 40 {
			damaged := bytes.Clone(d.data)
			damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
			if _, err := d.read(damaged); err == nil {
				t.Errorf("%s: a flipped bit goes unnoticed", name)
			}
		}
		newer := bytes.Clone(d.data)
		newer[len(format.Magic)]++
		if _, err := d.read(newer); !errors.Is(err, ErrVersion) {
			t.Errorf("%s of a later version: %v", name, err)
		}
		for other, e := range o.decoders(t) {
			if _, err := e.read(d.data); other != name && err == nil {
				t.Errorf("a %s is read as %s", name, other)
			}
		}
	}
}

// A client and server that meet through bytes alone compute the same.
func TestInsecureRolesThroughBytes(t *testing.T) {
	o := newObjects(t)
	k, err := o.plan.ReadSecretKey(bytes.NewReader(o.secret))
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClientWithKey(o.plan, k)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := o.plan.ReadEvaluationKeys(bytes.NewReader(o.keys))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(o.plan, keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range randomImages(seeded(2), 5, 6) {
		in, err := c.Encrypt(image)
		if err != nil {
			t.Fatal(err)
		}
		in, err = o.plan.ReadInput(bytes.NewReader(encoded(t, in)))
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Evaluate(context.Background(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err = o.plan.ReadOutput(bytes.NewReader(encoded(t, out)))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := c.Decrypt(out)
		if w := bundletest.Reference(t, o.plan.program, [][]uint8{image})[0]; err != nil || !got.Equal(w) {
			t.Errorf("logits %v (%v), want %v", got, err, w)
		}
	}
}

func FuzzRead(f *testing.F) {
	o := newObjects(f)
	f.Add(o.in[:200])
	f.Add(o.in)
	f.Add(o.output)
	f.Add(o.secret)
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, d := range o.decoders(t) {
			if again, err := d.read(b); err == nil && !bytes.Equal(again, b[:len(again)]) {
				t.Errorf("%s is read but encodes differently", name)
			}
		}
	})
}
