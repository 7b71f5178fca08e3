package bgvtable

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/verify"
	"qtool/verify/he/wire"
)

// objects are a client's and server's, serialised.
type objects struct {
	plan                    *Plan
	images                  [][]uint8
	secret, key, in, output []byte
}

func newObjects(t testing.TB) *objects {
	t.Helper()
	b := bundletest.New(6, 1, 4).Narrow(2).Dense(2, 1).RandomTable(2).Narrow(3).Dense(2, 1)
	o := &objects{plan: mustPlan(t, b.Done(), insecureOptions(10)), images: b.Images(20)}
	c, err := NewClient(o.plan)
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.RelinearizationKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(o.plan, key)
	if err != nil {
		t.Fatal(err)
	}
	var in Inputs
	var out Outputs
	if err := c.Encrypt(context.Background(), o.images, &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Evaluate(context.Background(), &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	o.secret, o.key = encoded(t, c.WriteSecretKey), encoded(t, key.WriteTo)
	o.in, o.output = encoded(t, in.WriteTo), encoded(t, out.WriteTo)
	return o
}

func encoded(t testing.TB, write func(io.Writer) (int64, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := write(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

// entry is an object and its reader, which gives it back encoded.
type entry struct {
	data []byte
	read func(*Plan, []byte) ([]byte, error)
}

func (o *objects) entries(t testing.TB) map[string]entry {
	return map[string]entry{
		"secret key": {o.secret, func(p *Plan, b []byte) ([]byte, error) {
			k, err := p.ReadSecretKey(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			c, err := NewClientWithKey(p, k)
			if err != nil {
				return nil, err
			}
			return encoded(t, c.WriteSecretKey), nil
		}},
		"relinearisation key": {o.key, func(p *Plan, b []byte) ([]byte, error) {
			k, err := p.ReadRelinearizationKey(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return encoded(t, k.WriteTo), nil
		}},
		"input": {o.in, func(p *Plan, b []byte) ([]byte, error) {
			in, err := p.ReadInputs(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return encoded(t, in.WriteTo), nil
		}},
		"output": {o.output, func(p *Plan, b []byte) ([]byte, error) {
			out, err := p.ReadOutputs(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return encoded(t, out.WriteTo), nil
		}},
	}
}

func TestInsecureWire(t *testing.T) {
	o := newObjects(t)
	rng, head := bundletest.Rand(1), int(format.Bytes(0))-sha256.Size
	if int64(len(o.in)) != o.plan.InputBytes() || int64(len(o.output)) != o.plan.OutputBytes() {
		t.Errorf("%d and %d bytes, said to be %d and %d", len(o.in), len(o.output), o.plan.InputBytes(), o.plan.OutputBytes())
	}
	wider := bundletest.New(6, 1, 4).Narrow(9).Dense(2, 3).RandomTable(2).Narrow(9).Dense(2, 3)
	others := mustPlan(t, wider.Done(), insecureOptions(10)) // other primes
	small := bundletest.New(6, 1, 4).Narrow(2).Dense(2, 1).RandomTable(2).Narrow(3).Dense(3, 1)
	otherProgram := mustPlan(t, small.Done(), insecureOptions(10))
	for name, e := range o.entries(t) {
		again, err := e.read(o.plan, e.data)
		if err != nil || !bytes.Equal(again, e.data) {
			t.Errorf("%s: changed on the wire, %v", name, err)
		}
		for _, n := range []int{0, 1, head - 1, head, head + 5, len(e.data) / 2, len(e.data) - 33, len(e.data) - 1} {
			if _, err := e.read(o.plan, e.data[:n]); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		for range 20 {
			damaged := bytes.Clone(e.data)
			damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
			if _, err := e.read(o.plan, damaged); err == nil {
				t.Errorf("%s: a flipped bit goes unnoticed", name)
			}
		}
		newer := bytes.Clone(e.data)
		newer[len(format.Magic)]++
		if _, err := e.read(o.plan, newer); !errors.Is(err, wire.ErrVersion) {
			t.Errorf("%s of a later version: %v", name, err)
		}
		for other, f := range o.entries(t) {
			if _, err := f.read(o.plan, e.data); other != name && (err == nil || !strings.Contains(err.Error(), name)) {
				t.Errorf("a %s is read as %s: %v", name, other, err)
			}
		}
		forged := bytes.Clone(e.data) // with the right hash
		for i := range 8 {
			forged[head+i] = 0xff
		}
		sum := sha256.Sum256(forged[:len(forged)-sha256.Size])
		copy(forged[len(forged)-sha256.Size:], sum[:])
		if _, err := e.read(o.plan, forged); err == nil || !strings.Contains(err.Error(), name+" has the residue") && !strings.Contains(err.Error(), "damaged at coefficient 0") {
			t.Errorf("%s that is not reduced: %v", name, err)
		}
		var wrong *KeyError
		if _, err := e.read(others, e.data); !errors.As(err, &wrong) || !strings.Contains(err.Error(), name+" has other parameters: N = 2^10, T =") {
			t.Errorf("%s of other parameters: %v", name, err)
		}
		ciphertexts := name == "input" || name == "output"
		if otherProgram.parameters() != o.plan.parameters() {
			t.Fatal("the other program has other parameters")
		}
		if _, err := e.read(otherProgram, e.data); ciphertexts != (err != nil) || ciphertexts && !strings.Contains(err.Error(), "another program") {
			t.Errorf("%s under another program: %v", name, err)
		}
	}
}

// A client and server that meet through bytes alone compute the same.
func TestInsecureRolesThroughBytes(t *testing.T) {
	ctx, o := context.Background(), newObjects(t)
	k, err := o.plan.ReadSecretKey(bytes.NewReader(o.secret))
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClientWithKey(o.plan, k)
	if err != nil {
		t.Fatal(err)
	}
	key, err := o.plan.ReadRelinearizationKey(bytes.NewReader(o.key))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(o.plan, key)
	if err != nil {
		t.Fatal(err)
	}
	var fresh Inputs
	if err := c.Encrypt(ctx, o.images, &fresh, nil); err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{o.in, encoded(t, fresh.WriteTo)} {
		in, err := o.plan.ReadInputs(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var out Outputs
		if err := s.Evaluate(ctx, in, &out, nil); err != nil {
			t.Fatal(err)
		}
		back, err := o.plan.ReadOutputs(bytes.NewReader(encoded(t, out.WriteTo)))
		if err != nil {
			t.Fatal(err)
		}
		residues, _, err := c.Decrypt(ctx, back, nil)
		if err != nil {
			t.Fatal(err)
		}
		result := &verify.Result{}
		for i := range o.images {
			logits, err := o.plan.vector(residues, i)
			if err != nil {
				t.Fatal(err)
			}
			result.Logits = append(result.Logits, logits)
		}
		bundletest.CheckExact(t, o.plan.program, o.images, result.Logits)
	}
}

func FuzzRead(f *testing.F) {
	o := newObjects(f)
	f.Add(o.in[:200])
	f.Add(o.output)
	f.Add(o.secret)
	f.Add(o.key[:300])
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, e := range o.entries(t) {
			if again, err := e.read(o.plan, b); err == nil && !bytes.Equal(again, b[:len(again)]) {
				t.Errorf("%s is read but encodes differently", name)
			}
		}
	})
}
