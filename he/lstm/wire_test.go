package lstm

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/lstmtest"
	"qtool/he"
	"qtool/he/wire/wiretest"
)

// objects are a client's and a server's, serialised.
type objects struct {
	plan                     *Plan
	sequences                []bundle.Sample
	secret, keys, in, output []byte
}

func newObjects(t testing.TB, name string) *objects {
	t.Helper()
	ctx, p := context.Background(), cells()[name]
	o := &objects{plan: insecure(t, p, 1000), sequences: lstmtest.Sequences(p, 5, 1)}
	client := NewClient(o.plan)
	o.secret = wiretest.Encoded(t, client.WriteSecretKey)
	keys, err := client.EvaluationKeys(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.keys = wiretest.Encoded(t, func(w io.Writer) (int64, error) { return o.plan.WriteEvaluationKeys(w, keys) })
	in, err := client.Encrypt(ctx, o.sequences)
	if err != nil {
		t.Fatal(err)
	}
	o.in = wiretest.Encoded(t, in.WriteTo)
	o.output = o.evaluate(t, o.plan, o.keys, o.in)
	return o
}

// evaluate is a server that has a plan and bytes.
func (o *objects) evaluate(t testing.TB, p *Plan, keys, in []byte) []byte {
	t.Helper()
	k := wiretest.Decoded(t, p.ReadEvaluationKeys, keys)
	batch := wiretest.Decoded(t, p.ReadInputs, in)
	server, err := NewServer(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.Evaluate(context.Background(), batch, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	return wiretest.Encoded(t, out.WriteTo)
}

// on are the objects and their readers of a plan.
func (o *objects) on(p *Plan) map[string]wiretest.Object {
	return map[string]wiretest.Object{
		"secret key":     wiretest.Of(o.secret, p.ReadClient, (*Client).WriteSecretKey),
		"evaluation key": wiretest.Of(o.keys, p.ReadEvaluationKeys, func(k *EvaluationKeys, w io.Writer) (int64, error) { return p.WriteEvaluationKeys(w, k) }),
		"input":          wiretest.Of(o.in, p.ReadInputs, (*Inputs).WriteTo),
		"output":         wiretest.Of(o.output, p.ReadOutputs, (*Outputs).WriteTo),
	}
}

func TestInsecureWire(t *testing.T) {
	o := newObjects(t, "one step")
	all := o.on(o.plan)
	wiretest.Check(t, &format, all)
	wiretest.CheckReduced(t, &format, 0, all)
	others := o.on(insecure(t, cells()["one step"], 650)) // other primes
	for name, e := range all {
		if _, err := others[name].Read(e.Data); err == nil || !strings.Contains(err.Error(), name+" was made for another program or other parameters") {
			t.Errorf("%s of another plan: %v", name, err)
		}
		// What follows in a stream is left alone.
		if again, err := e.Read(append(bytes.Clone(e.Data), 1)); err != nil || !bytes.Equal(again, e.Data) {
			t.Errorf("%s before something else: %v", name, err)
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
		client := wiretest.Decoded(t, plan.ReadClient, o.secret)
		out := wiretest.Decoded(t, plan.ReadOutputs, output)
		logits, err := client.Decrypt(out, len(o.sequences))
		if err != nil {
			t.Fatal(err)
		}
		r := he.Approximate{Reals: logits, Bound: plan.ErrorBound(), Usual: plan.UsualBound()}
		if worst := compare(t, p, o.sequences, r); !(worst <= 1) {
			t.Errorf("%s: worst error is %.3g times its bound", name, worst)
		}

		// What it encrypts is for the keys of the first client.
		in, err := client.Encrypt(context.Background(), o.sequences[:2])
		if err != nil {
			t.Fatal(err)
		}
		if out, err = plan.ReadOutputs(bytes.NewReader(o.evaluate(t, plan, o.keys, wiretest.Encoded(t, in.WriteTo)))); err != nil {
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
	keys := wiretest.Decoded(t, o.plan.ReadEvaluationKeys, o.keys)
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
	out := wiretest.Decoded(t, o.plan.ReadOutputs, o.output)
	if logits, err := stranger.Decrypt(out, 1); logits != nil || err == nil || !strings.Contains(err.Error(), "another secret key") {
		t.Errorf("outputs of another client: %v", err)
	}
	delete(keys.Galois, slices.Min(o.plan.needs().Sorted()))
	if n, err := o.plan.WriteEvaluationKeys(io.Discard, keys); n != 0 || err == nil || !strings.Contains(err.Error(), "lack the rotation") {
		t.Errorf("a key less: %d bytes, %v", n, err)
	}
}

func FuzzRead(f *testing.F) {
	o := newObjects(f, "one step")
	wiretest.Fuzz(f, o.on(o.plan))
}
