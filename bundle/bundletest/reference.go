package bundletest

import (
	"testing"

	"qtool/bundle"
)

// Reference are the integer logits of samples.
func Reference(t testing.TB, p *bundle.Program, samples []bundle.Sample) []bundle.Vec {
	t.Helper()
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	var all []bundle.Vec
	for _, s := range samples {
		v, err := r.Run(s.Vec(), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// CheckExact fails the test at the first logit that is not the reference's.
func CheckExact(t testing.TB, p *bundle.Program, samples []bundle.Sample, logits []bundle.Vec) {
	t.Helper()
	if len(logits) != len(samples) {
		t.Fatalf("%d results for %d samples", len(logits), len(samples))
	}
	for i, want := range Reference(t, p, samples) {
		if k := want.FirstDifference(logits[i]); k >= 0 {
			t.Fatalf("sample %d of %d, logit %d: want %v, got %v", i, len(samples), k, want.At(k), logits[i].At(k))
		}
	}
}
