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
	t.Run("ckks", func(t *testing.T) {
		noPlan, err := NewPlan(done, p, insecure(10))
		cancelled("plan", noPlan == nil, err)
		plan, err := NewPlan(ctx, p, insecure(10))
		must(err)
		client := NewClient(plan)
		none, err := client.EvaluationKeys(done)
		cancelled("keys", none == nil, err)
		keys, err := client.EvaluationKeys(ctx)
		must(err)
		noServer, err := NewServer(done, plan)
		cancelled("server", noServer == nil, err)
		server, err := NewServer(ctx, plan)
		must(err)
		noInputs, err := client.Encrypt(done, sample)
		cancelled("encryption", noInputs == nil, err)
		in, err := client.Encrypt(ctx, sample)
		must(err)
		noOutputs, err := server.Evaluate(done, in, keys)
		cancelled("evaluation", noOutputs == nil, err)
		out, err := server.Evaluate(ctx, in, keys)
		must(err)
		reals, err := client.Decrypt(done, out)
		cancelled("decryption", reals == nil, err)
	})
	t.Run("bgv", func(t *testing.T) {
		noPlan, err := NewExactPlan(done, p, insecure(10))
		cancelled("plan", noPlan == nil, err)
		plan, err := NewExactPlan(ctx, p, insecure(10))
		must(err)
		client := NewExactClient(plan)
		none, err := client.EvaluationKeys(done)
		cancelled("keys", none == nil, err)
		keys, err := client.EvaluationKeys(ctx)
		must(err)
		noServer, err := NewExactServer(done, plan)
		cancelled("server", noServer == nil, err)
		server, err := NewExactServer(ctx, plan)
		must(err)
		noInputs, err := client.Encrypt(done, sample, 0)
		cancelled("encryption", noInputs == nil, err)
		in, err := client.Encrypt(ctx, sample, 0)
		must(err)
		noOutputs, err := server.Evaluate(done, in, keys)
		cancelled("evaluation", noOutputs == nil, err)
		out, err := server.Evaluate(ctx, in, keys)
		must(err)
		residues, _, err := client.Decrypt(done, out)
		cancelled("decryption", residues == nil, err)
	})
}

// A client and a server have rings of their own: those of the plan stay as Lattigo
// makes them, whose transforms know their type.
func TestInsecurePlansKeepTheirRings(t *testing.T) {
	p := bundletest.New(32, 4, 20).Dense(6, 7).Square().Dense(3, 7).Observed()
	plan, err := NewPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	NewClient(plan)
	if _, err := NewServer(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	exact, err := NewExactPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	NewExactClient(exact)
	if _, err := NewExactServer(t.Context(), exact); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*ring.Ring{plan.params.RingQ(), plan.params.RingP(), exact.ring.RingQ(), exact.ring.RingP(), exact.params[0].RingQ()} {
		for _, s := range r.SubRings {
			if s.Type() != ring.Standard { // panics for a transform that is not Lattigo's
				t.Errorf("prime %d has type %v", s.Modulus, s.Type())
			}
		}
	}
}
