package tfhe

import (
	"context"
	"testing"
)

// smallPlan is a small program under insecure parameters.
func smallPlan(t testing.TB) *Plan {
	p := newNet(t, seeded(8), net{bits: 1, maxWeight: 1, table: sigmoid(1), widths: []int{6, 4, 2}})
	l := testInsecureLiteral()
	l.LogN, l.Dimension = 8, 20
	return forced(t, p, l)
}

// parties are a client with a new secret key, a server, and its keys, of one process.
func parties(t testing.TB, p *Plan) (*Client, *Server, *EvaluationKeys) {
	t.Helper()
	c := p.newClient()
	keys, err := c.evaluationKeys(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	return c, newServer(p, c.pair), keys
}
