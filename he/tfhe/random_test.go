package tfhe

import (
	"context"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// Random programs of all operations decrypt to the reference's integers, no look-up
// has a decryption failure, and the squares of errors, in units of the predicted variances of
// each layer's worst output, are 1 on average at most.
func TestInsecureRandomPrograms(t *testing.T) {
	squares, measured, lookups := 0.0, 0, 0
	n := 150
	if testing.Short() {
		n = 30
	}
	l := graphLiteral()
	o := bundletest.Random{Kinds: carried.Kinds, InputBits: 2, RangeBits: 8, TableBits: 7}
	bundletest.Encrypted(t, n, o, 2, func(t *rapid.T, p *bundle.Program, samples []bundle.Sample) []bundle.Vec {
		plan, err := NewPlan(context.Background(), p, Options{Parameters: &l, AllowInsecure: true, LogFailure: -40, Workers: 1})
		if errors.Is(err, he.ErrInsufficient) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
		if err != nil {
			t.Fatal(err)
		}
		account := hetest.Account[*he.Lookups](t, r)
		if account.Missed != 0 {
			t.Fatalf("%d of %d look-ups had a decryption failure", account.Missed, account.Done)
		}
		for _, layer := range account.Layers {
			x := layer.Measured / layer.Predicted
			squares += x * x * float64(layer.Done)
			measured += layer.Done
		}
		lookups += account.Done
		return hetest.Exact(t, r)
	})
	mean := squares / float64(measured)
	t.Logf("%d look-ups and logits, mean square error %.3f of the predicted", lookups, mean)
	if limit := 1 + 5*math.Sqrt(2/float64(measured)); mean > limit {
		t.Errorf("mean square error %.3f of the predicted, want at most %.3f", mean, limit)
	}
}
