package packed

import (
	"context"
	"errors"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/bundle"
	"qtool/bundle/bundletest"
)

// Key generation, encoding, encryption, evaluation and decryption end with a context
// that is done, in both schemes, and give nothing.
func TestInsecureWorkIsCancelled(t *testing.T) {
	b := bundletest.New(31, 4, 20).Dense(6, 7).Square().Dense(3, 7)
	for name, n := range map[string]network{"chain": {b.Observed(), b.Samples(1)}, "graph": graphs(t)["products at the end"]} {
		t.Run(name, func(t *testing.T) { cancelledWork(t, n.p, n.samples[0]) })
	}
}

func cancelledWork(t *testing.T, p *bundle.Program, sample bundle.Sample) {
	ctx := t.Context()
	done, stop := context.WithCancel(ctx)
	stop()
	cancelled := func(what string, nothing bool, err error) {
		t.Helper()
		if !nothing || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	noPlan, err := NewPlan(done, p, insecure(10))
	cancelled("plan", noPlan == nil, err)
	noExact, err := NewExactPlan(done, p, insecure(10))
	cancelled("exact plan", noExact == nil, err)
	plan, err := NewPlan(ctx, p, insecure(10))
	must(err)
	exact, err := NewExactPlan(ctx, p, insecure(10))
	must(err)
	for name, plan := range map[string]planned{ckksName: plan, bgvName: exact} {
		client, server := pairOf(t, plan)
		none, err := client.evaluationKeys(done)
		cancelled(name+": keys", none == nil, err)
		keys, err := client.evaluationKeys(ctx)
		must(err)
		noServer, err := newServer(done, plan, [32]byte{})
		cancelled(name+": server", noServer == nil, err)
		noInputs, err := client.encrypt(done, &p.Input, sample)
		cancelled(name+": encryption", noInputs == nil, err)
		in, err := client.encrypt(ctx, &p.Input, sample)
		must(err)
		noOutputs, err := server.evaluate(done, in, keys, nil, nil)
		cancelled(name+": evaluation", noOutputs == nil, err)
		out, err := server.evaluate(ctx, in, keys, nil, nil)
		must(err)
		nothing, err := client.decrypt(done, p.Output(), out)
		cancelled(name+": decryption", nothing == nil, err)
	}
}

// A client and a server have rings of their own: those of the plan stay as Lattigo
// makes them, whose transforms know their type.
func TestInsecurePlansKeepTheirRings(t *testing.T) {
	p := bundletest.New(32, 4, 20).Dense(6, 7).Square().Dense(3, 7).Observed()
	plan, err := NewPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	pairOf(t, plan)
	exact, err := NewExactPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	pairOf(t, exact)
	for _, r := range []*ring.Ring{plan.params.RingQ(), plan.params.RingP(), exact.ring.RingQ(), exact.ring.RingP(), exact.params[0].RingQ()} {
		for _, s := range r.SubRings {
			if s.Type() != ring.Standard { // panics for a transform that is not Lattigo's
				t.Errorf("prime %d has type %v", s.Modulus, s.Type())
			}
		}
	}
}
