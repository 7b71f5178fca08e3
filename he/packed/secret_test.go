package packed

import (
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
)

// planned are the functions of a plan: where a map's values lie, and the ring with
// this processor's transforms, made when it is first asked for. Planning makes them,
// before there is a key.
var planned = []string{"qtool/he/packed/lower.new", "qtool/he/packed.New", "qtool/he/packed.(*ExactPlan).accelerate", "sync.OnceValue"}

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
	t.Run("ckks", func(t *testing.T) {
		plan, err := NewPlan(t.Context(), p, insecure(11))
		fatal(err)
		client := NewClient(plan)
		keys, err := client.EvaluationKeys(t.Context())
		fatal(err)
		server, err := NewServer(t.Context(), plan)
		fatal(err)
		in, err := client.Encrypt(t.Context(), sample)
		fatal(err)
		out, err := server.Evaluate(t.Context(), in, keys)
		fatal(err)
		c := rolestest.Key(plan.ring, client.secret)
		rolestest.NoSecretValue(t, c, client, []any{server, plan, keys, in, out}, planned...)
		guardtest.Hidden(t, client, c.Secrets())
	})
	t.Run("bgv", func(t *testing.T) {
		plan, err := NewExactPlan(t.Context(), p, insecure(11))
		fatal(err)
		client := NewExactClient(plan)
		keys, err := client.EvaluationKeys(t.Context())
		fatal(err)
		server, err := NewExactServer(t.Context(), plan)
		fatal(err)
		in, err := client.Encrypt(t.Context(), sample, 0)
		fatal(err)
		out, err := server.Evaluate(t.Context(), in, keys)
		fatal(err)
		c := rolestest.Key(plan.ring, client.secret)
		rolestest.NoSecretValue(t, c, client, []any{server, plan, keys, in, out}, planned...)
		guardtest.Hidden(t, client, c.Secrets())
	})
}
