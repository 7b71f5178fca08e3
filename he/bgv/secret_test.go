package bgv

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/meter"
	"qtool/he/internal/rolestest"
	"qtool/he/wire"
)

// What a server holds after an evaluation, and what it sees, has no run of the
// client's key; the client prints none.
func TestInsecureSecretStaysWithTheClient(t *testing.T) {
	b := bundletest.New(8, 4, 1, 6, 6).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Dense(3, 7)
	plan := mustPlan(t, b.Done(), insecureOptions(10, 2))
	client := generate(plan.half)
	server, ctx := newEvaluator(plan), context.Background()
	var in ciphertexts
	var out ciphertexts
	if err := client.encryptBatch(ctx, b.Samples(20), 0, newSeeds(), &in); err != nil {
		t.Fatal(err)
	}
	if err := server.evaluate(ctx, &in, &out); err != nil {
		t.Fatal(err)
	}
	c := rolestest.Key(plan.params, client.secret)
	rolestest.NoSecretValue(t, c, client, []any{server, plan, &in, &out})
	guardtest.Hidden(t, client, c.Secrets())
}

// Neither does a server that answered a message, nor what passes between the two.
func TestInsecureSecretStaysOffTheWire(t *testing.T) {
	b := bundletest.New(8, 4, 4).Dense(3, 7).Square()
	plan := mustPlan(t, b.Done(), insecureOptions(10, 2))
	client := generate(plan.half)
	server, err := plan.NewServer(t.Context(), client.hash)
	if err != nil {
		t.Fatal(err)
	}
	var secret, keyed, inputs, outputs bytes.Buffer
	if err := errors.Join(client.WriteSecretKey(&secret), client.WriteEvaluationKeys(t.Context(), &keyed, nil),
		client.Encrypt(t.Context(), b.Samples(20), wire.Message{Samples: 20}, &inputs, nil)); err != nil {
		t.Fatal(err)
	}
	public := []any{server, keyed.Bytes(), inputs.Bytes(), &outputs}
	keys, err := server.ReadKeys(t.Context(), bytes.NewReader(keyed.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	in, err := wire.Open(bytes.NewReader(inputs.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Evaluate(t.Context(), keys, in, &outputs, nil); err != nil {
		t.Fatal(err)
	}
	c := rolestest.Key(plan.params, client.secret)
	rolestest.NoSecretValue(t, c, client, append(public, keys))
	rolestest.NoSecretValue(t, c, secret.Bytes(), nil) // the walk finds it where it is written
}

// Encryption leaves no sample, no error and no word of its streams behind.
func TestInsecureEncryptionLeavesNothingBehind(t *testing.T) {
	b := bundletest.New(8, 4, 6).Dense(3, 1<<25)
	plan := mustPlan(t, b.Done(), insecureOptions(10, 1))
	client := generate(plan.half)
	d, nonzero := newMessages(), 0
	if err := client.draw(context.Background(), b.Samples(20), 0, newSeeds(), d, nil); err != nil {
		t.Fatal(err)
	}
	guardtest.Hidden(t, d, guardtest.Secrets{Words: [][]uint64{d.plain}})
	if len(client.idle) != plan.workers {
		t.Fatalf("%d workers, want %d", len(client.idle), plan.workers)
	}
	for _, w := range client.idle {
		for _, x := range w.words {
			if x != 0 {
				nonzero++
			}
		}
	}
	drawn := 0
	for _, x := range d.errors {
		if x != 0 {
			drawn++
		}
	}
	if drawn == 0 {
		t.Error("no errors were drawn")
	}
	// A batch clears what it drew.
	s := &session{plan: plan, client: client, server: newEvaluator(plan), messages: d}
	if _, err := s.Batch(context.Background(), b.Samples(20), meter.New(nil, 1)); err != nil {
		t.Fatal(err)
	}
	for k, x := range d.plain {
		if x != 0 || d.errors[k] != 0 {
			nonzero++
		}
	}
	if nonzero > 0 {
		t.Errorf("%d numbers are left", nonzero)
	}
}
