package bgvlut

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
	"qtool/he/wire"
)

// What a server holds after an evaluation, and what it sees, has no run of the
// client's key; the client prints none.
func TestInsecureSecretStaysWithTheClient(t *testing.T) {
	plan, client, server, samples := roles(t)
	ctx := context.Background()
	var in ciphertexts
	var out ciphertexts
	if err := client.encryptBatch(ctx, samples, newSeeds(), &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := server.evaluate(ctx, &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	c := rolestest.Key(plan.ring.Parameters(), client.secret)
	rolestest.NoSecretValue(t, c, client, []any{server, plan, &in, &out})
	guardtest.Hidden(t, client, c.Secrets())
	for _, w := range client.idle {
		for k := range w.errors {
			if w.errors[k] != 0 || w.message[k] != 0 || w.slots.Coeffs[0][k] != 0 {
				t.Fatalf("encryption leaves an error, a message or a slot behind at %d", k)
			}
		}
	}
}

// Neither does a server that answered a message, nor what passes between the two.
func TestInsecureSecretStaysOffTheWire(t *testing.T) {
	plan, client, _, samples := roles(t)
	server, err := plan.NewServer(t.Context(), client.hash)
	if err != nil {
		t.Fatal(err)
	}
	var secret, keyed, inputs, outputs bytes.Buffer
	if err := errors.Join(client.WriteSecretKey(&secret), client.WriteEvaluationKeys(t.Context(), &keyed, nil),
		client.Encrypt(t.Context(), samples, wire.Message{Samples: 20}, &inputs, nil)); err != nil {
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
	c := rolestest.Key(plan.ring.Parameters(), client.secret)
	rolestest.NoSecretValue(t, c, client, append(public, keys))
	rolestest.NoSecretValue(t, c, secret.Bytes(), nil) // the walk finds it where it is written
}
