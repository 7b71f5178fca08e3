package tfhe

import (
	"context"
	"errors"
	"flag"
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// draws runs a property on n draws, or on as many as the command line asks for with
// -rapid.checks.
func draws(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if before := f.Value.String(); before == f.DefValue {
		if err := f.Value.Set(strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(before) }()
	}
	rapid.Check(t, property)
}

// Random graphs of all operations decrypt to the reference's integers, no look-up
// misses its slot, and the squares of errors, in units of the predicted variances of
// each layer's worst output, are 1 on average at most.
func TestInsecureRandomGraphs(t *testing.T) {
	used := map[bundle.Kind]int{}
	all, graphs, insufficient, lookups := 0, 0, 0, 0
	squares, samples := 0.0, 0
	n := 150
	if testing.Short() {
		n = 30
	}
	l := graphLiteral()
	draws(t, n, func(rt *rapid.T) {
		p := bundletest.Programs(bundletest.Random{Kinds: carried.Kinds, InputBits: 2, RangeBits: 8, TableBits: 7}).Draw(rt, "program")
		images := bundletest.Images(p, 2).Draw(rt, "bytes")
		all++
		plan, err := NewPlan(context.Background(), p, Options{Parameters: &l, AllowInsecure: true, LogFailure: -40, Workers: 1})
		if errors.Is(err, ErrInsufficient) {
			insufficient++
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		r, err := NewExecutor(p, plan).Run(context.Background(), images, nil)
		if err != nil {
			rt.Fatal(err)
		}
		reference, err := bundle.NewRunner(p)
		if err != nil {
			rt.Fatal(err)
		}
		for i, image := range images {
			want, err := reference.Run(p.Input.Quantize(image), nil)
			if err != nil {
				rt.Fatal(err)
			}
			got := hetest.Exact(rt, r)[i]
			if k := want.FirstDifference(got); k >= 0 {
				rt.Fatalf("image %d, logit %d: want %v, got %v", i, k, want.At(k), got.At(k))
			}
		}
		account := hetest.Account[*he.Lookups](rt, r)
		if account.Missed != 0 {
			rt.Fatalf("%d of %d look-ups missed their slot", account.Missed, account.Done)
		}
		for _, layer := range account.Layers {
			x := layer.Measured / layer.Predicted
			squares += x * x * float64(layer.Done)
			samples += layer.Done
		}
		lookups += account.Done
		if g, _ := p.Graph(); !g.Chain() {
			graphs++
		}
		for i := range p.Nodes {
			used[p.Nodes[i].Kind()]++
		}
	})
	mean := squares / float64(samples)
	t.Logf("%d programs, %d of them graphs, %d insufficient; %d look-ups and logits, mean square error %.3f of the predicted; %v", all, graphs, insufficient, lookups, mean, used)
	if limit := 1 + 5*math.Sqrt(2/float64(samples)); mean > limit {
		t.Errorf("mean square error %.3f of the predicted, want at most %.3f", mean, limit)
	}
	if all >= 100 { // enough for the shares to be what they are at all draws
		if insufficient > all/2 || graphs == 0 {
			t.Errorf("%d of %d programs are carried by no parameters, %d are graphs", insufficient, all, graphs)
		}
		for _, k := range carried.Kinds {
			if used[k] == 0 {
				t.Errorf("no program has the operation %s", k)
			}
		}
	}
}
