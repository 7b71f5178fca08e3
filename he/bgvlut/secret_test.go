package bgvlut

import (
	"context"
	"testing"

	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
)

// What a server holds after an evaluation, and what it sees, has no run of the
// client's key; client and key print none.
func TestInsecureSecretStaysWithTheClient(t *testing.T) {
	plan, client, server, samples := roles(t)
	ctx := context.Background()
	var in Inputs
	var out Outputs
	if err := client.Encrypt(ctx, samples, &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := server.Evaluate(ctx, &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	key := client.EvaluationKeys()
	c := rolestest.Key(plan.ring.Parameters(), client.secret.key)
	rolestest.NoSecretValue(t, c, client, []any{server, plan, key, &in, &out})
	guardtest.Hidden(t, client, c.Secrets())
	guardtest.Hidden(t, client.secret, c.Secrets())
	for _, w := range client.workers {
		for k := range w.errors {
			if w.errors[k] != 0 || w.message[k] != 0 || w.slots.Coeffs[0][k] != 0 {
				t.Fatalf("encryption leaves an error, a message or a slot behind at %d", k)
			}
		}
	}
}
