package bundletest

import (
	"testing"

	"qtool/bundle"
)

// Reference are the integer logits of images.
func Reference(t testing.TB, p *bundle.Program, images [][]uint8) []bundle.Vec {
	t.Helper()
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	var all []bundle.Vec
	for _, image := range images {
		v, err := r.Run(p.Input.Quantize(image), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// CheckExact fails the test at the first logit that is not the reference's.
func CheckExact(t testing.TB, p *bundle.Program, images [][]uint8, logits []bundle.Vec) {
	t.Helper()
	if len(logits) != len(images) {
		t.Fatalf("%d results for %d images", len(logits), len(images))
	}
	for i, want := range Reference(t, p, images) {
		if k := want.FirstDifference(logits[i]); k >= 0 {
			t.Fatalf("image %d of %d, logit %d: want %v, got %v", i, len(images), k, want.At(k), logits[i].At(k))
		}
	}
}
