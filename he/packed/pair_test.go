package packed

import "testing"

// pairOf is a client with a new secret key, and a server, of a plan.
func pairOf(t testing.TB, p planned) (*Client, *Server) {
	t.Helper()
	c, err := newPlanClient(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(t.Context(), p, c.pair)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}
