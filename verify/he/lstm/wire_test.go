package lstm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
	"qtool/verify"
	"qtool/verify/he/wire"
)

// objects are a client's and a server's, serialised.
type objects struct {
	plan                     *Plan
	sequences                [][]uint8
	secret, keys, in, output []byte
}

func newObjects(t testing.TB, name string) *objects {
	t.Helper()
	ctx, p := context.Background(), cells()[name]
	o := &objects{plan: insecure(t, p, 1000), sequences: lstmtest.Sequences(p, 5, 1)}
	client := NewClient(o.plan)
	o.secret = encoded(t, client.WriteSecretKey)
	keys, err := client.Keys(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.keys = encoded(t, func(w io.Writer) (int64, error) { return o.plan.WriteKeys(w, keys) })
	in, err := client.Encrypt(ctx, o.sequences)
	if err != nil {
		t.Fatal(err)
	}
	o.in = encoded(t, in.WriteTo)
	o.output = o.evaluate(t, o.plan, o.keys, o.in)
	return o
}

// evaluate is a server that has a plan and bytes.
func (o *objects) evaluate(t testing.TB, p *Plan, keys, in []byte) []byte {
	t.Helper()
	k, err := p.ReadKeys(bytes.NewReader(keys))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := p.ReadInputs(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	server, err := NewServer(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.Evaluate(context.Background(), batch, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, out.WriteTo)
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
			c, err := p.ReadClient(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return encoded(t, c.WriteSecretKey), nil
		}},
		"evaluation key": {o.keys, func(p *Plan, b []byte) ([]byte, error) {
			k, err := p.ReadKeys(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return encoded(t, func(w io.Writer) (int64, error) { return p.WriteKeys(w, k) }), nil
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
	o := newObjects(t, "one step")
	others := insecure(t, cells()["one step"], 650) // other primes
	rng, head := bundletest.Rand(1), int(format.Bytes(0))-sha256.Size
	for name, e := range o.entries(t) {
		again, err := e.read(o.plan, e.data)
		if err != nil || !bytes.Equal(again, e.data) {
			t.Errorf("%s: changed on the wire, %v", name, err)
		}
		// What follows in a stream is left alone.
		if again, err = e.read(o.plan, append(bytes.Clone(e.data), 1)); err != nil || !bytes.Equal(again, e.data) {
			t.Errorf("%s before something else: %v", name, err)
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
		if _, err := e.read(others, e.data); err == nil || !strings.Contains(err.Error(), name+" was made for another program or other parameters") {
			t.Errorf("%s of another plan: %v", name, err)
		}
	}
}

// A client and a server that meet through bytes alone compute what they do in one
// process: each makes the plan for itself, and the client that decrypts knows of
// the one that encrypted what it wrote.
func TestInsecureRolesThroughBytes(t *testing.T) {
	for _, name := range []string{"one step", "full cubics"} {
		o := newObjects(t, name)
		p := cells()[name]
		output := o.evaluate(t, insecure(t, p, 1000), o.keys, o.in)
		if !bytes.Equal(output, o.output) {
			t.Errorf("%s: two servers give different bytes", name)
		}
		plan := insecure(t, p, 1000)
		client, err := plan.ReadClient(bytes.NewReader(o.secret))
		if err != nil {
			t.Fatal(err)
		}
		out, err := plan.ReadOutputs(bytes.NewReader(output))
		if err != nil {
			t.Fatal(err)
		}
		logits, err := client.Decrypt(out, len(o.sequences))
		if err != nil {
			t.Fatal(err)
		}
		r := &verify.Result{Reals: logits, Bound: plan.ErrorBound(), Usual: plan.UsualBound()}
		if worst := compare(t, p, o.sequences, r); !(worst <= 1) {
			t.Errorf("%s: worst error is %.3g times its bound", name, worst)
		}

		// What it encrypts is for the keys of the first client.
		in, err := client.Encrypt(context.Background(), o.sequences[:2])
		if err != nil {
			t.Fatal(err)
		}
		if out, err = plan.ReadOutputs(bytes.NewReader(o.evaluate(t, plan, o.keys, encoded(t, in.WriteTo)))); err != nil {
			t.Fatal(err)
		}
		if r.Reals, err = client.Decrypt(out, 2); err != nil {
			t.Fatal(err)
		}
		if worst := compare(t, p, o.sequences[:2], r); !(worst <= 1) {
			t.Errorf("%s: encrypted later, the worst error is %.3g times its bound", name, worst)
		}
	}
}

// Two clients of one plan are told apart.
func TestInsecureOtherKeyIsRefused(t *testing.T) {
	ctx, o := context.Background(), newObjects(t, "one step")
	stranger := NewClient(o.plan)
	keys, err := o.plan.ReadKeys(bytes.NewReader(o.keys))
	if err != nil {
		t.Fatal(err)
	}
	in, err := stranger.Encrypt(ctx, o.sequences)
	if err != nil {
		t.Fatal(err)
	}
	server, err := NewServer(o.plan)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := server.Evaluate(ctx, in, keys, nil); out != nil || err == nil || !strings.Contains(err.Error(), "another secret key") {
		t.Errorf("inputs of another client: %v", err)
	}
	out, err := o.plan.ReadOutputs(bytes.NewReader(o.output))
	if err != nil {
		t.Fatal(err)
	}
	if logits, err := stranger.Decrypt(out, 1); logits != nil || err == nil || !strings.Contains(err.Error(), "another secret key") {
		t.Errorf("outputs of another client: %v", err)
	}
	delete(keys.Galois, slices.Min(o.plan.needs().Sorted()))
	if n, err := o.plan.WriteKeys(io.Discard, keys); n != 0 || err == nil || !strings.Contains(err.Error(), "lack the rotation") {
		t.Errorf("a key less: %d bytes, %v", n, err)
	}
}

func FuzzRead(f *testing.F) {
	o := newObjects(f, "one step")
	f.Add(o.in[:200])
	f.Add(o.output)
	f.Add(o.secret)
	f.Add(o.keys[:300])
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, e := range o.entries(t) {
			if again, err := e.read(o.plan, b); err == nil && !bytes.Equal(again, b[:len(again)]) {
				t.Errorf("%s is read but encodes differently", name)
			}
		}
	})
}
