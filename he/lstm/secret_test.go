package lstm

import (
	"context"
	"testing"

	"qtool/bundle/lstmtest"
	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
)

// planned are the functions of a plan: what its client needs, with the ring, made when it
// is first asked for. Planning makes them, before there is a key.
var planned = []string{"sync.OnceValue", "qtool/he/lstm.newPlan", "qtool/he/lstm.(*Plan).newHalf", "qtool/he/lstm.(*Plan).finished"}

// What a server holds after an evaluation, and what it sees, has no run of the
// client's key; the client prints none.
func TestInsecureSecretStaysWithTheClient(t *testing.T) {
	ctx, p := context.Background(), cells()["one step"]
	plan := insecure(t, p, 1000)
	client, server := pairOf(t, plan)
	keys, err := client.evaluationKeys(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := client.encrypt(ctx, &p.Input, lstmtest.Sequences(p, 5, 1))
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.evaluate(ctx, in, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := rolestest.Key(plan.params.Parameters, client.secret)
	rolestest.NoSecretValue(t, c, client, []any{server, plan, keys, in, out}, planned...)
	guardtest.Hidden(t, client, c.Secrets())
}
