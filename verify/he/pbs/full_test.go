package pbs

import (
	"context"
	"testing"
)

// TestFullSize runs one image of a network of the size of an MNIST classifier
// under secure parameters.
func TestFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute and 1 GB")
	}
	rng := seeded(5)
	p := newNet(t, rng, net{bits: 1, maxWeight: 3, domain: 64, table: sigmoid(2), widths: []int{784, 128, 64, 10}})
	plan, err := NewPlan(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.Why() {
		t.Log(w)
	}
	images := randomImages(rng, 2, 784)
	r, err := NewExecutor(p, plan).Run(context.Background(), images, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want(t, p, images) {
		if !w.Equal(r.Logits[i]) {
			t.Errorf("image %d: logits %v, want %v", i, r.Logits[i], w)
		}
	}
	t.Logf("%+v %+v", r.Lookups, r.Cost)
	t.Log(r.NodeSeconds, r.NoiseBitsLeft)
}
