package pbs

import (
	"context"
	"testing"
)

func TestScratch(t *testing.T) {
	rng := seeded(1)
	p := newNet(t, rng, 2, 1, sigmoid(2), 12, 10, 6, 3)
	l := testInsecureLiteral()
	plan, err := NewPlan(p, Options{Parameters: &l, AllowInsecure: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.Why() {
		t.Log(w)
	}
	images := randomImages(rng, 20, 12)
	r, err := NewExecutor(p, plan).Run(context.Background(), images, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r.Lookups)
	for i, w := range want(t, p, images) {
		if !w.Equal(r.Logits[i]) {
			t.Error(i, w, r.Logits[i])
		}
	}
	s, err := plan.Simulate(context.Background(), images, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s.Lookups)
}
