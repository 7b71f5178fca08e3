package bgvlut

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/wire/wiretest"
)

// objects are a client's and server's, serialised.
type objects struct {
	plan                    *Plan
	samples                 []bundle.Sample
	secret, key, in, output []byte
}

func newObjects(t testing.TB) *objects {
	t.Helper()
	b := bundletest.New(6, 1, 4).Narrow(2).Dense(2, 1).RandomTable(2).Narrow(3).Dense(2, 1)
	o := &objects{plan: mustPlan(t, b.Done(), insecureOptions(10)), samples: b.Samples(20)}
	c, key, s := newRoles(t, o.plan)
	var in Inputs
	var out Outputs
	if err := c.Encrypt(context.Background(), o.samples, &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Evaluate(context.Background(), &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	o.secret, o.key = wiretest.Encoded(t, c.WriteSecretKey), wiretest.Encoded(t, key.WriteTo)
	o.in, o.output = wiretest.Encoded(t, in.WriteTo), wiretest.Encoded(t, out.WriteTo)
	return o
}

// on are the objects and their readers of a plan.
func (o *objects) on(p *Plan) map[string]wiretest.Object {
	return map[string]wiretest.Object{
		"secret key": wiretest.Of(o.secret, p.ReadSecretKey, func(k *SecretKey, w io.Writer) (int64, error) {
			c, err := NewClientWithKey(p, k)
			if err != nil {
				return 0, err
			}
			return c.WriteSecretKey(w)
		}),
		"evaluation key": wiretest.Of(o.key, p.ReadEvaluationKeys, (*EvaluationKeys).WriteTo),
		"input":          wiretest.Of(o.in, p.ReadInputs, (*Inputs).WriteTo),
		"output":         wiretest.Of(o.output, p.ReadOutputs, (*Outputs).WriteTo),
	}
}

func TestInsecureWire(t *testing.T) {
	o := newObjects(t)
	if int64(len(o.in)) != o.plan.InputBytes() || int64(len(o.output)) != o.plan.OutputBytes() {
		t.Errorf("%d and %d bytes, said to be %d and %d", len(o.in), len(o.output), o.plan.InputBytes(), o.plan.OutputBytes())
	}
	all := o.on(o.plan)
	wiretest.Check(t, &format, all)
	wiretest.CheckReduced(t, &format, 0, all)
	wider := bundletest.New(6, 1, 4).Narrow(9).Dense(2, 3).RandomTable(2).Narrow(9).Dense(2, 3)
	others := o.on(mustPlan(t, wider.Done(), insecureOptions(10))) // other primes
	small := bundletest.New(6, 1, 4).Narrow(2).Dense(2, 1).RandomTable(2).Narrow(3).Dense(3, 1)
	otherProgram := mustPlan(t, small.Done(), insecureOptions(10))
	if otherProgram.parameters() != o.plan.parameters() {
		t.Fatal("the other program has other parameters")
	}
	for name, e := range all {
		var wrong *KeyError
		if _, err := others[name].Read(e.Data); !errors.As(err, &wrong) || !strings.Contains(err.Error(), name+" has other parameters: N = 2^10, T =") {
			t.Errorf("%s of other parameters: %v", name, err)
		}
		ciphertexts := name == "input" || name == "output"
		if _, err := o.on(otherProgram)[name].Read(e.Data); ciphertexts != (err != nil) || ciphertexts && !strings.Contains(err.Error(), "another program") {
			t.Errorf("%s under another program: %v", name, err)
		}
	}
}

// A client and server that meet through bytes alone compute the same.
func TestInsecureRolesThroughBytes(t *testing.T) {
	ctx, o := context.Background(), newObjects(t)
	k := wiretest.Decoded(t, o.plan.ReadSecretKey, o.secret)
	c, err := NewClientWithKey(o.plan, k)
	if err != nil {
		t.Fatal(err)
	}
	key := wiretest.Decoded(t, o.plan.ReadEvaluationKeys, o.key)
	s, err := NewServer(o.plan, key)
	if err != nil {
		t.Fatal(err)
	}
	var fresh Inputs
	if err := c.Encrypt(ctx, o.samples, &fresh, nil); err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{o.in, wiretest.Encoded(t, fresh.WriteTo)} {
		in := wiretest.Decoded(t, o.plan.ReadInputs, data)
		var out Outputs
		if err := s.Evaluate(ctx, in, &out, nil); err != nil {
			t.Fatal(err)
		}
		back := wiretest.Decoded(t, o.plan.ReadOutputs, wiretest.Encoded(t, out.WriteTo))
		residues, _, err := c.Decrypt(ctx, back, nil)
		if err != nil {
			t.Fatal(err)
		}
		var all he.Exact
		for i := range o.samples {
			logits, err := o.plan.vector(residues, i)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, logits)
		}
		bundletest.CheckExact(t, o.plan.program, o.samples, all)
	}
}

func FuzzRead(f *testing.F) {
	o := newObjects(f)
	wiretest.Fuzz(f, o.on(o.plan))
}
