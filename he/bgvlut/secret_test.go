package bgvlut

import (
	"context"
	"testing"

	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
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
