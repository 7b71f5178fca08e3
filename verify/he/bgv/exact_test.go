package bgv

import (
	"context"
	"testing"

	"qtool/bundle"
	"qtool/verify"
)

// checkExact runs images under encryption and on plain integers and wants the
// same integers. It returns the measured noise.
func checkExact(t *testing.T, p *bundle.Program, plan *Plan, images [][]uint8) float64 {
	t.Helper()
	result, err := NewExecutor(p, plan).Run(context.Background(), images, nil)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, p, images, result)
	// Ten standard deviations bound a maximum over fewer than 2^40 coefficients
	// if the model is right; its reserve is not touched.
	if result.NoiseBitsLeft < plan.PredictedNoiseBitsLeft() {
		t.Errorf("measured noise leaves %.2f bits, the prediction is %.2f", result.NoiseBitsLeft, plan.PredictedNoiseBitsLeft())
	}
	return result.NoiseBitsLeft
}

func compare(t *testing.T, p *bundle.Program, images [][]uint8, result *verify.Result) {
	t.Helper()
	reference, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Logits) != len(images) {
		t.Fatalf("%d results for %d images", len(result.Logits), len(images))
	}
	for i, image := range images {
		want, err := reference.Run(p.Input.Quantize(image), nil)
		if err != nil {
			t.Fatal(err)
		}
		if k := want.FirstDifference(result.Logits[i]); k >= 0 {
			t.Fatalf("image %d of %d, logit %d: want %v, got %v", i, len(images), k, want.At(k), result.Logits[i].At(k))
		}
	}
}
