// Package halvestest tests the roles of a back end through bytes: a client and a server
// that know nothing of each other but what was written.
package halvestest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
)

// Parties are a client and a server, and the objects that made them.
type Parties struct {
	Program *bundle.Program
	Client  he.Client
	Server  he.Server
	Keys    he.Keys
	// ClientHalf, ServerHalf, SecretKey and EvaluationKeys are objects.
	ClientHalf, ServerHalf, SecretKey, EvaluationKeys []byte
}

// New splits a plan of p and makes both sides of what is written, with a new secret key.
func New(t testing.TB, p *bundle.Program, plan he.Halves) *Parties {
	t.Helper()
	spec, half, err := roles.Split(bundle.Alone(p), plan)
	if err != nil {
		t.Fatal(err)
	}
	all := &Parties{Program: p, ClientHalf: Written(t, spec.Write), ServerHalf: Written(t, half.Write)}
	if spec, err = he.ReadClientSpec(bytes.NewReader(all.ClientHalf)); err != nil {
		t.Fatal(err)
	}
	client, err := roles.NewClient(spec)
	if err != nil {
		t.Fatal(err)
	}
	all.SecretKey = Written(t, client.WriteSecretKey)
	all.EvaluationKeys = Written(t, func(w io.Writer) error { return client.WriteEvaluationKeys(t.Context(), w, nil) })
	all.read(t)
	if all.Client.KeyID() != client.KeyID() {
		t.Errorf("the key %x is read as %x", client.KeyID(), all.Client.KeyID())
	}
	return all
}

// read makes both sides of the objects.
func (p *Parties) read(t testing.TB) {
	t.Helper()
	spec, err := he.ReadClientSpec(bytes.NewReader(p.ClientHalf))
	if err != nil {
		t.Fatal(err)
	}
	if p.Client, err = roles.ReadClient(spec, bytes.NewReader(p.SecretKey)); err != nil {
		t.Fatal(err)
	}
	half, err := roles.ReadServerHalf(t.Context(), bytes.NewReader(p.ServerHalf))
	if err != nil {
		t.Fatal(err)
	}
	if again := Written(t, half.Write); !bytes.Equal(again, p.ServerHalf) {
		t.Error("the server half changed on its way through bytes")
	}
	if p.Server, err = half.NewServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.Keys, err = p.Server.ReadKeys(t.Context(), bytes.NewReader(p.EvaluationKeys)); err != nil {
		t.Fatal(err)
	}
	if p.Keys.KeyID() != p.Client.KeyID() {
		t.Errorf("evaluation keys of %x, secret key of %x", p.Keys.KeyID(), p.Client.KeyID())
	}
	if want := wire.Size(spec.Sizes.Keys); int64(len(p.EvaluationKeys)) != want {
		t.Errorf("evaluation keys of %d bytes, want %d", len(p.EvaluationKeys), want)
	}
}

// Written is what write writes.
func Written(t testing.TB, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Encrypted is a stream of inputs.
func (p *Parties) Encrypted(t testing.TB, samples []bundle.Sample) []byte {
	t.Helper()
	return Written(t, func(w io.Writer) error {
		n, err := roles.EncryptStream(t.Context(), p.Client, each(samples), w, nil, nil)
		if err == nil && n != len(samples) {
			t.Errorf("%d of %d samples are encrypted", n, len(samples))
		}
		return err
	})
}

func each(samples []bundle.Sample) func(func(bundle.Sample, error) bool) {
	return func(yield func(bundle.Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Evaluated is the stream of outputs of a stream of inputs.
func (p *Parties) Evaluated(t testing.TB, inputs []byte) []byte {
	t.Helper()
	return Written(t, func(w io.Writer) error {
		_, err := roles.EvaluateStream(t.Context(), p.Server, func(wire.Object) (he.Keys, error) { return p.Keys, nil }, bytes.NewReader(inputs), w, nil, nil)
		return err
	})
}

// Decrypted are the answers in a stream of outputs, message by message.
func (p *Parties) Decrypted(t testing.TB, outputs []byte) []*he.Decrypted {
	t.Helper()
	var all []*he.Decrypted
	_, err := roles.DecryptStream(t.Context(), p.Client, bytes.NewReader(outputs), nil, nil, func(_ int, d *he.Decrypted) error {
		all = append(all, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Exact are the integers in a stream of outputs.
func (p *Parties) Exact(t testing.TB, outputs []byte) (all he.Exact) {
	t.Helper()
	for _, d := range p.Decrypted(t, outputs) {
		answers, ok := d.Answers.(he.Exact)
		if !ok {
			t.Fatalf("answers of type %T, want integers", d.Answers)
		}
		all = append(all, answers...)
	}
	return all
}

// evaluate reads one object of inputs, to the end of b, and returns the outputs.
func (p *Parties) evaluate(ctx context.Context, keys he.Keys, r io.Reader) ([]byte, error) {
	in, err := wire.Open(r)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := p.Server.Evaluate(ctx, keys, in, &out, nil); err != nil {
		return nil, err
	}
	return out.Bytes(), in.EndOfFile()
}

// decrypt reads one object of outputs, to the end of r.
func (p *Parties) decrypt(ctx context.Context, r io.Reader) error {
	in, err := wire.Open(r)
	if err != nil {
		return err
	}
	if _, err := p.Client.Decrypt(ctx, in, nil); err != nil {
		return err
	}
	return in.EndOfFile()
}

// Samples are the first n samples, again and again where there are fewer.
func Samples(from []bundle.Sample, n int) []bundle.Sample {
	all := slices.Clone(from)
	for len(all) < n {
		all = append(all, from[len(all)%len(from)])
	}
	return all[:n]
}

// Whole gives a test's program what a file of it needs: the bits of weights, and the
// ranges that the samples have.
func Whole(t testing.TB, p *bundle.Program, samples []bundle.Sample) *bundle.Program {
	t.Helper()
	for i := range p.Nodes {
		if _, ok := p.Nodes[i].Op.(bundle.Weighted); ok && p.Nodes[i].Bits == 0 {
			p.Nodes[i].Bits = 16
		}
	}
	if err := bundletest.Observe(p, samples); err != nil {
		t.Fatal(err)
	}
	return p
}
