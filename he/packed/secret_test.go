package packed

import (
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
)

// planFunctions are the functions of a plan: where a map's values lie, and what its
// client needs, made when it is first asked for. Planning makes them, before there is a key.
var planFunctions = []string{"qtool/he/packed/lower.new", "qtool/he/packed.(*Plan).finished", "qtool/he/packed.(*ExactPlan).finished", "sync.OnceValue"}

// What a server holds after an evaluation, and what it sees, has no run of the
// client's key; the client prints none.
func TestInsecureSecretStaysWithTheClient(t *testing.T) {
	b := bundletest.New(1, 4, 30).Dense(7, 7).Square().Dense(3, 7)
	p, sample := b.Observed(), b.Samples(1)[0]
	fatal := func(err error) {
		if t.Helper(); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := NewPlan(t.Context(), p, insecure(11))
	fatal(err)
	exact, err := NewExactPlan(t.Context(), p, insecure(11))
	fatal(err)
	for name, plan := range map[string]planned{"ckks": plan, "bgv": exact} {
		t.Run(name, func(t *testing.T) {
			client, server := pairOf(t, plan)
			keys, err := client.evaluationKeys(t.Context())
			fatal(err)
			in, err := client.encrypt(t.Context(), &p.Input, sample)
			fatal(err)
			out, err := server.evaluate(t.Context(), in, keys, nil, nil)
			fatal(err)
			c := rolestest.Key(plan.shared().ring, client.secret)
			rolestest.NoSecretValue(t, c, client, []any{server, plan, keys, in, out}, planFunctions...)
			guardtest.Hidden(t, client, c.Secrets())
		})
	}
}
