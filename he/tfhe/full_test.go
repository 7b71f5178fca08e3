package tfhe

import (
	"context"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// TestFullSize runs one sample of a network of the size of an MNIST classifier
// under secure parameters.
func TestFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute and 1 GB")
	}
	rng := seeded(5)
	p := newNet(t, rng, net{bits: 1, maxWeight: 3, domain: 64, table: sigmoid(2), widths: []int{784, 128, 64, 10}})
	plan, err := NewPlan(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.Why() {
		t.Log(w)
	}
	samples := randomSamples(rng, 2, plan.program)
	r, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range bundletest.Reference(t, p, samples) {
		if got := hetest.Exact(t, r)[i]; !w.Equal(got) {
			t.Errorf("sample %d: logits %v, want %v", i, got, w)
		}
	}
	k := hetest.Account[*he.Lookups](t, r)
	t.Logf("%.2f s a sample, %.1f ms a look-up, %+v", k.SecondsPerSample, k.Milliseconds, r.Cost.Seconds)
	if k.Done != 2*(128+64+10) || k.Missed != 0 || k.Failed != 0 {
		t.Errorf("%d look-ups and logits, %d missed, %d failed, %g expected", k.Done, k.Missed, k.Failed, k.Expected)
	}
	for _, l := range k.Layers[:2] {
		compareNoise(t, l.Layer, l.Predicted, l.Measured, l.Done)
	}
}
