package bgv

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// Random programs of all operations that are carried decrypt to the reference's integers,
// with the noise below what was predicted. One key of some thousands in this small ring
// has a root of unity at which its powers are so far above their average that the noise
// passes ten standard deviations of it: the reserve is for that and for the peak of deep
// programs, and no run may pass it.
//
// The flag rapid.checks makes it another number of programs.
func TestInsecureRandomPrograms(t *testing.T) {
	primes := rapid.IntRange(2, 4)
	all, touched := 0, 0
	o := bundletest.Random{Kinds: carried.Kinds, Exact: true, RangeBits: 60}
	bundletest.Encrypted(t, 300, o, 50, func(t *rapid.T, p *bundle.Program, samples []bundle.Sample) []bundle.Vec {
		o := insecureOptions(10, primes.Draw(t, "primes"))
		o.Workers = 1
		plan, err := NewPlan(context.Background(), p, o)
		if errors.Is(err, he.ErrInsufficient) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		result, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
		if err != nil {
			t.Fatal(err)
		}
		all++
		left := hetest.NoiseLeft(t, result)
		if left < plan.PredictedNoiseBitsLeft() {
			touched++
		}
		if left < plan.PredictedNoiseBitsLeft()-reserveBits {
			t.Fatalf("measured noise leaves %.2f bits, the prediction is %.2f", left, plan.PredictedNoiseBitsLeft())
		}
		return hetest.Exact(t, result)
	})
	t.Logf("the noise of %d of %d runs passes its prediction", touched, all)
	if touched > 1+all/200 {
		t.Errorf("the noise of %d of %d runs passes its prediction", touched, all)
	}
}
