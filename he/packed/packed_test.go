package packed

import (
	"context"
	"math"
	"os"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
	"qtool/verify"
)

// costs are of no machine, so that plans in tests are the same everywhere.
func costs() *Costs {
	c := &Costs{Encrypt: 1e6, Workers: 2}
	c.Limb.NTT, c.Limb.Extend, c.Limb.Product, c.Limb.Key, c.Limb.Move, c.Limb.Section = 80e3, 12e3, 16e3, 16e3, 8e3, 5e3
	return c
}

func insecure(logN int) Options {
	return Options{LogN: logN, AllowInsecure: true, Costs: costs()}
}

// nets are small and meet every way of packing: several ciphertexts, folds in
// blocks and apart, strides, padding, pools that don't tile, rectangular
// dense maps, quadratics a channel, an activation at the end.
func nets() map[string]*bundletest.Builder {
	return map[string]*bundletest.Builder{
		"conv pool conv":   bundletest.New(1, 4, 1, 10, 10).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Conv(3, 3, 1, 0, 7).Square().Dense(4, 7),
		"pool last":        bundletest.New(2, 4, 1, 8, 8).Conv(3, 3, 1, 1, 7).Square().Pool(2, 2).Dense(3, 7),
		"padding, stride":  bundletest.New(3, 4, 2, 9, 9).Conv(4, 3, 2, 1, 7).Square().Dense(12, 7).Square().Dense(5, 7),
		"pool overlaps":    bundletest.New(4, 4, 1, 9, 9).Conv(2, 2, 1, 0, 7).Square().Pool(3, 2).Dense(3, 7),
		"pool leaves rest": bundletest.New(5, 4, 1, 10, 10).Conv(2, 2, 1, 0, 7).Square().Pool(2, 2).Dense(3, 7),
		"pool of three":    bundletest.New(6, 4, 1, 11, 11).Conv(2, 3, 1, 0, 7).Square().Pool(3, 3).Dense(3, 7),
		"quadratics":       bundletest.New(7, 3, 3, 4, 4).Conv(3, 3, 1, 1, 3).Polynomials(5, 2).Dense(6, 3).Polynomial(2, 9).Dense(2, 3),
		"ends in square":   bundletest.New(8, 4, 20).Dense(9, 7).Square().Dense(4, 7).Square(),
		"square first":     bundletest.New(9, 4, 17).Square().Dense(5, 7),
		"square of square": bundletest.New(10, 2, 12).Dense(5, 2).Square().Square().Dense(3, 2),
		"linear":           bundletest.New(11, 4, 30).Dense(7, 7).Dense(3, 7),
		"many channels":    bundletest.New(12, 4, 1, 12, 12).Conv(24, 3, 1, 1, 7).Square().Pool(2, 2).Conv(10, 3, 1, 1, 7).Square().Pool(2, 2).Dense(3, 7),
		"wide biases":      bundletest.New(13, 4, 20).Wide(75).Dense(6, 7).Square().Dense(3, 7),
		"wide quadratics":  bundletest.New(14, 4, 3, 2, 2).Wide(70).Polynomials(9, 2).Wide(0).Dense(3, 7),
	}
}

// Networks of the recipes, with random weights and inputs of 4 bits.

func convnet(seed uint64) *bundletest.Builder {
	return bundletest.New(seed, 4, 1, 28, 28).
		Conv(4, 7, 3, 0, 7).Square().Dense(64, 7).Square().Dense(10, 7)
}

func multilayer(seed uint64) *bundletest.Builder {
	return bundletest.New(seed, 4, 784).Dense(128, 7).Square().Dense(128, 7).Square().Dense(10, 7)
}

// wideLenet has 32 and 64 maps and 512 units.
func wideLenet(seed uint64) *bundletest.Builder {
	return bundletest.New(seed, 4, 1, 28, 28).
		Conv(32, 5, 1, 2, 7).Square().Pool(2, 2).
		Conv(64, 5, 1, 2, 7).Square().Pool(2, 2).Dense(512, 7).Square().Dense(10, 7)
}

func runBoth(t testing.TB, e he.Executor, samples []bundle.Sample) *he.Result {
	t.Helper()
	r, err := e.Run(context.Background(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Outputs are within the stated bound. With the values that a sample really has,
// errors have the deviation that the model predicts: not more, and not much less.
func TestInsecureCKKSWithinBound(t *testing.T) {
	for name, n := range networks(t) {
		p, samples := n.p, n.samples
		plan, err := NewPlan(t.Context(), p, insecure(11))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answers := hetest.Approximate(t, runBoth(t, NewExecutor(p, plan), samples))
		square, count := 0.0, 0.0
		for i, want := range bundletest.Reference(t, p, samples) {
			gains, err := gainsOf(t.Context(), plan.values, plan.sampleSpans(samples[i]))
			if err != nil {
				t.Fatal(err)
			}
			e := gains.errors(plan.values, newCKKSSources(plan.logN, plan.ring.Q(), plan.ring.P(), plan.scales))
			for o, x := range answers.Reals[i] {
				square += sq((x - want.Float(o)) / (plan.values[len(plan.values)-1].gain[o] * e.outputs[o]))
				count++
				if off := math.Abs(x - want.Float(o)); !(off <= answers.Bound[o]) {
					t.Errorf("%s: sample %d, output %d: %g, want %v: off by %.3g, the bound is %.3g", name, i, o, x, want.At(o), off, answers.Bound[o])
				}
			}
		}
		t.Logf("%s: %.2f of the predicted deviation", name, math.Sqrt(square/count))
		// Beside its wide biases a network's weights vanish, and their errors; a constant has none.
		if ratio := math.Sqrt(square / count); ratio > 1.25 || ratio < 0.2 && name != "wide biases" && name != "constant" {
			t.Errorf("%s: errors have %.2f of the predicted deviation", name, ratio)
		}
		if plan.Bits() < plan.options.Bits {
			t.Errorf("%s: %.1f bits predicted", name, plan.Bits())
		}
	}
}

func TestInsecureBGVExact(t *testing.T) {
	for name, n := range networks(t) {
		p, samples := n.p, n.samples[:3]
		plan, err := NewExactPlan(t.Context(), p, insecure(11))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := runBoth(t, NewExactExecutor(p, plan), samples)
		for i, want := range bundletest.Reference(t, p, samples) {
			got := hetest.Exact(t, r)[i]
			for o := range want.Len() {
				if got.At(o).Cmp(want.At(o)) != 0 {
					t.Errorf("%s: sample %d, output %d: %v, want %v", name, i, o, got.At(o), want.At(o))
				}
			}
		}
		if predicted, left := plan.left[len(plan.left)-1], hetest.NoiseLeft(t, r); left < max(minBudget, predicted) {
			t.Errorf("%s: %.1f bits of noise budget left, %.1f are predicted", name, left, predicted)
		}
	}
}

// TestNetworks runs the networks of the recipes, with random weights, at full
// security; QTOOL_PACKED names one.
func TestNetworks(t *testing.T) {
	all := map[string]*bundletest.Builder{"lenet": bundletest.LeNet(1), "convnet": convnet(2), "cryptonets": bundletest.CryptoNets(3), "multilayer": multilayer(4), "wide": wideLenet(5)}
	name := os.Getenv("QTOOL_PACKED")
	b := all[name]
	if b == nil {
		t.Skip("QTOOL_PACKED names no network")
	}
	p := b.Observed()
	plan, err := NewPlan(t.Context(), p, Options{Bits: map[string]float64{"wide": 15}[name]})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.why {
		t.Log(w)
	}
	samples := b.Samples(8)
	r := runBoth(t, NewExecutor(p, plan), samples)
	l := verify.Ladder{Output: p.Output(), Labels: make([]uint8, len(samples)), Integer: bundletest.Reference(t, p, samples), Encrypted: r.Answers}
	c, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	if c.Precision.Outside > 0 || c.Precision.Bits < plan.options.Bits {
		t.Errorf("%d outputs outside the bound, %.1f bits where %.1f are asked for", c.Precision.Outside, c.Precision.Bits, plan.options.Bits)
	}
	t.Logf("%+v\n%+v\nnodes %.3v", *c.Precision, *hetest.Account[*he.Latency](t, r), hetest.Account[he.NodeSeconds](t, r))
}
