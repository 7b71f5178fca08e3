package packed

import (
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
)

// places are the functions of a plan that say where a map's values lie. They are
// made by planning, before there is a key.
const places = "qtool/he/packed/lower.new"

// What a server holds after an evaluation, and what it sees, has no run of the
// client's key; the client prints none.
func TestInsecureSecretStaysWithTheClient(t *testing.T) {
	b := bundletest.New(1, 4, 30).Dense(7, 7).Square().Dense(3, 7)
	p, image := b.Observed(), b.Images(1)[0]
	fatal := func(err error) {
		if t.Helper(); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("ckks", func(t *testing.T) {
		plan, err := NewPlan(p, insecure(11))
		fatal(err)
		client := NewClient(plan)
		keys, err := client.Keys()
		fatal(err)
		server, err := NewServer(plan)
		fatal(err)
		in, err := client.Encrypt(image)
		fatal(err)
		out, err := server.Evaluate(in, keys)
		fatal(err)
		c := rolestest.Key(plan.ring, client.secret)
		rolestest.NoSecretValue(t, c, client, []any{server, plan, keys, in, out}, places)
		guardtest.Hidden(t, client, c.Secrets())
	})
	t.Run("bgv", func(t *testing.T) {
		plan, err := NewExactPlan(p, insecure(11))
		fatal(err)
		client := NewExactClient(plan)
		keys, err := client.Keys()
		fatal(err)
		server, err := NewExactServer(plan)
		fatal(err)
		in, err := client.Encrypt(image, 0)
		fatal(err)
		out, err := server.Evaluate(in, keys)
		fatal(err)
		c := rolestest.Key(plan.ring, client.secret)
		rolestest.NoSecretValue(t, c, client, []any{server, plan, keys, in, out}, places)
		guardtest.Hidden(t, client, c.Secrets())
	})
}
