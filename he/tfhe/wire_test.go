package tfhe

import (
	"context"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he/wire/wiretest"
)

// smallPlan is a small program under insecure parameters.
func smallPlan(t testing.TB) *Plan {
	p := newNet(t, seeded(8), net{bits: 1, maxWeight: 1, table: sigmoid(1), widths: []int{6, 4, 2}})
	l := testInsecureLiteral()
	l.LogN, l.Dimension = 8, 20
	return forced(t, p, l)
}

// smallPrecisePlan is a precise plan of the same program.
func smallPrecisePlan(t testing.TB) *Plan {
	p := smallPlan(t)
	return precisely(t, p.program, p.params.ParametersLiteral)
}

// objects are a client's and server's, serialised.
type objects struct {
	plan                     *Plan
	secret, keys, in, output []byte
}

func newObjects(t testing.TB, p *Plan) *objects {
	t.Helper()
	c := NewClient(p)
	keys, err := c.EvaluationKeys(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(p, keys)
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Encrypt(p.program.Input.Samples([][]uint8{{0, 255, 0, 0, 255, 255}})[0])
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Evaluate(context.Background(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &objects{p, wiretest.Encoded(t, c.secret.WriteTo), wiretest.Encoded(t, keys.WriteTo), wiretest.Encoded(t, in.WriteTo), wiretest.Encoded(t, out.WriteTo)}
}

// all are the objects and their readers.
func (o *objects) all() map[string]wiretest.Object {
	p := o.plan
	return map[string]wiretest.Object{
		"secret key":     wiretest.Of(o.secret, p.ReadSecretKey, (*SecretKey).WriteTo),
		"evaluation key": wiretest.Of(o.keys, p.ReadEvaluationKeys, (*EvaluationKeys).WriteTo),
		"input":          wiretest.Of(o.in, p.ReadInput, (*Input).WriteTo),
		"output":         wiretest.Of(o.output, p.ReadOutput, (*Output).WriteTo),
	}
}

func TestInsecureWire(t *testing.T) {
	for name, p := range map[string]*Plan{"words": smallPlan(t), "precise": smallPrecisePlan(t)} {
		t.Run(name, func(t *testing.T) { checkWire(t, newObjects(t, p)) })
	}
}

func checkWire(t *testing.T, o *objects) {
	if int64(len(o.in)) != o.plan.InputBytes() || int64(len(o.output)) != o.plan.OutputBytes() {
		t.Errorf("%d and %d bytes, said to be %d and %d", len(o.in), len(o.output), o.plan.InputBytes(), o.plan.OutputBytes())
	}
	all := o.all()
	wiretest.Check(t, &format, all)
	if !o.plan.precise() {
		delete(all, "output") // of words, all of which can be
	}
	wiretest.CheckReduced(t, &format, 0, all)
}

// A client and server that meet through bytes alone compute the same.
func TestInsecureRolesThroughBytes(t *testing.T) {
	for name, p := range map[string]*Plan{"words": smallPlan(t), "precise": smallPrecisePlan(t)} {
		t.Run(name, func(t *testing.T) { meetThroughBytes(t, newObjects(t, p)) })
	}
}

func meetThroughBytes(t *testing.T, o *objects) {
	k := wiretest.Decoded(t, o.plan.ReadSecretKey, o.secret)
	c, err := NewClientWithKey(o.plan, k)
	if err != nil {
		t.Fatal(err)
	}
	keys := wiretest.Decoded(t, o.plan.ReadEvaluationKeys, o.keys)
	s, err := NewServer(o.plan, keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range randomSamples(seeded(2), 5, o.plan.program) {
		in, err := c.Encrypt(sample)
		if err != nil {
			t.Fatal(err)
		}
		in = wiretest.Decoded(t, o.plan.ReadInput, wiretest.Encoded(t, in.WriteTo))
		out, err := s.Evaluate(context.Background(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		out = wiretest.Decoded(t, o.plan.ReadOutput, wiretest.Encoded(t, out.WriteTo))
		got, _, err := c.Decrypt(out)
		if w := bundletest.Reference(t, o.plan.program, []bundle.Sample{sample})[0]; err != nil || !got.Equal(w) {
			t.Errorf("logits %v (%v), want %v", got, err, w)
		}
	}
}

func FuzzRead(f *testing.F) {
	o := newObjects(f, smallPlan(f))
	wiretest.Fuzz(f, o.all())
}
