package tfhe

import (
	"context"
	"math"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
)

// trial runs samples through a plan and returns the audit. each, if not nil, sees
// every sample's outcome.
func trial(t *testing.T, plan *Plan, samples []bundle.Sample, each func(sample int, out *Output, c *Client, failed int)) *audit {
	t.Helper()
	ctx := context.Background()
	c, s, keys := parties(t, plan)
	a := newAudit(plan, c.secret)
	failed := func() (n int) {
		for i := range a.layers {
			n += a.layers[i].wrong
		}
		return n
	}
	for i, sample := range samples {
		in, err := c.encrypt(sample)
		if err != nil {
			t.Fatal(err)
		}
		before := failed()
		a.begin(sample)
		out, err := s.evaluate(ctx, keys, in, &evaluation{watch: a})
		if err != nil {
			t.Fatal(err)
		}
		a.end(out)
		if each != nil {
			each(i, out, c, failed()-before)
		}
	}
	return a
}

// TestInsecureNoiseIsAsPredicted measures the noise of look-ups, of their outputs
// and of logits, where each of the predicted terms dominates in turn.
func TestInsecureNoiseIsAsPredicted(t *testing.T) {
	rng := seeded(2)
	base := ParametersLiteral{LogN: 8, LogQ: 50, Ring: [2]Digits{{15, 2}, {15, 2}}, Group: 2, Dimension: 100, LogSmallQ: 24, Switch: Digits{3, 7}}
	with := func(change func(l *ParametersLiteral)) ParametersLiteral {
		l := base
		change(&l)
		return l
	}
	for name, c := range map[string]struct {
		// without is l with little of the term.
		l, without ParametersLiteral
	}{
		"rounding to 2KN": {base, with(func(l *ParametersLiteral) { l.Dimension = 8 })},
		"key switch errors": {
			with(func(l *ParametersLiteral) { l.LogSmallQ, l.Switch.Base, l.Switch.Levels = 14, 2, 6 }),
			with(func(l *ParametersLiteral) { l.LogSmallQ, l.Switch.Base, l.Switch.Levels = 28, 2, 6 }),
		},
		"key switch rounding": {
			with(func(l *ParametersLiteral) { l.Switch.Base, l.Switch.Levels = 2, 4 }),
			with(func(l *ParametersLiteral) { l.Switch.Base, l.Switch.Levels = 2, 8 }),
		},
		"dropped bits": {
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring = 30, [2]Digits{{7, 2}, {7, 2}} }),
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring = 30, [2]Digits{{7, 3}, {7, 3}} }),
		},
		"dropped bits of the body": {
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring = 30, [2]Digits{{9, 1}, {7, 3}} }),
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring = 30, [2]Digits{{9, 2}, {7, 3}} }),
		},
		"blind rotation errors": {
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring = 34, [2]Digits{{16, 2}, {16, 2}} }),
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring = 34, [2]Digits{{12, 2}, {12, 2}} }),
		},
		"blind rotation errors, three key bits a step": {
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring, l.Group = 34, [2]Digits{{16, 2}, {16, 2}}, 3 }),
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring, l.Group = 34, [2]Digits{{12, 2}, {12, 2}}, 3 }),
		},
		"blind rotation errors, four accumulators": {
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring, l.LogAccumulators = 34, [2]Digits{{16, 2}, {16, 2}}, 2 }),
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring, l.LogAccumulators = 34, [2]Digits{{12, 2}, {12, 2}}, 2 }),
		},
		"dropped bits, one key bit a step": {
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring, l.Group = 30, [2]Digits{{7, 2}, {7, 2}}, 1 }),
			with(func(l *ParametersLiteral) { l.LogQ, l.Ring, l.Group = 30, [2]Digits{{7, 3}, {7, 3}}, 1 }),
		},
		"rounding to 2KN, four accumulators": {
			with(func(l *ParametersLiteral) { l.LogAccumulators = 2 }),
			with(func(l *ParametersLiteral) { l.LogAccumulators, l.Dimension = 2, 8 }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newNet(t, rng, net{bits: 1, maxWeight: 1, table: sigmoid(1), widths: []int{16, 24, 24, 3}})
			plan := forced(t, p, c.l)
			samples := randomSamples(rng, 20, plan.program)
			a := trial(t, plan, samples, nil)
			without, _ := c.without.budget(plan.layers)
			if share := 1 - without[1].worst/plan.stages[1].worst; share < 0.5 {
				t.Errorf("the term makes %.2g of the variance: nothing to test", share)
			}
			for i := range plan.layers {
				l, tally := &plan.layers[i], &a.layers[i]
				// The mean over the layer's outputs, as they differ in their weights.
				mean := 0.0
				for _, w := range l.norms {
					v := c.l.accumulated(l, w)
					if l.tables != nil {
						v = c.l.lookup(v)
					}
					mean += v * float64(w.count) / float64(l.n)
				}
				if i == 0 {
					// Here noise is independent from look-up to look-up.
					if mean, e := tally.sum/float64(tally.done), 6*math.Sqrt(mean/float64(tally.done)); math.Abs(mean) > e {
						t.Errorf("%s: mean %g, want 0 within %g", l.name, mean, e)
					}
				}
				compareNoise(t, l.name, math.Sqrt(mean), math.Sqrt(tally.square/float64(tally.done)), tally.done)
				if l.tables != nil {
					compareNoise(t, l.name+" output", math.Sqrt(c.l.rotated()), math.Sqrt(tally.outSquare/float64(tally.done)), tally.done)
				}
			}
		})
	}
}

// compareNoise wants the predicted deviation in [0.95, 1.3] of the measured one,
// and five standard errors of n samples more on either side.
func compareNoise(t *testing.T, name string, predicted, measured float64, n int) {
	t.Helper()
	e := 5 / math.Sqrt(2*float64(n))
	t.Logf("%s: predicted 2^%.2f, measured 2^%.2f (%d samples)", name, math.Log2(predicted), math.Log2(measured), n)
	if r := predicted / measured; r < 0.95-e || r > 1.3+e {
		t.Errorf("%s: predicted deviation 2^%.2f, measured 2^%.2f on %d samples", name, math.Log2(predicted), math.Log2(measured), n)
	}
}

// TestInsecureFailuresAreAsPredicted takes parameters under which look-ups fail
// often and counts. Samples without a failure must have the reference's logits.
func TestInsecureFailuresAreAsPredicted(t *testing.T) {
	rng := seeded(3)
	p := newNet(t, rng, net{bits: 1, maxWeight: 1, table: arbitrary(2), widths: []int{12, 12, 8, 3}})
	plan := forced(t, p, ParametersLiteral{LogN: 8, LogQ: 50, Ring: [2]Digits{{15, 2}, {15, 2}}, Group: 2, Dimension: 100, LogSmallQ: 17, Switch: Digits{4, 4}})
	samples := randomSamples(rng, 100, plan.program)
	reference := bundletest.Reference(t, p, samples)
	whole, wrong := 0, 0
	a := trial(t, plan, samples, func(i int, out *Output, c *Client, failed int) {
		got, _, err := c.decrypt(out)
		if failed == 0 {
			whole++
			if err != nil || !got.Equal(reference[i]) {
				t.Errorf("sample %d: no look-up failed, but the logits are %v (%v), want %v", i, got, err, reference[i])
			}
		} else if err != nil || !got.Equal(reference[i]) {
			wrong++
		}
	})
	r := a.record(len(samples))
	t.Logf("%d of %d look-ups missed, %.1f expected, %d gave another entry; %d of %d samples without failure, %d wrong", r.Missed, r.Done, r.Expected, r.Failed, whole, len(samples), wrong)
	compareCounts(t, float64(r.Missed), r.Expected)
	if bound := r.PerSample * float64(len(samples)); r.Expected > bound {
		t.Errorf("%.1f expected, but the bound is %.1f", r.Expected, bound)
	}
	if r.Failed > r.Missed || r.Failed == 0 || whole == 0 || wrong == 0 {
		t.Errorf("%d failed of %d missed, %d samples whole, %d wrong", r.Failed, r.Missed, whole, wrong)
	}
	s, err := plan.Simulate(context.Background(), randomSamples(rng, 2000, plan.program), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("simulated: %d missed, %.1f expected, %d failed", s.Lookups.Missed, s.Lookups.Expected, s.Lookups.Failed)
	compareCounts(t, float64(s.Lookups.Missed), s.Lookups.Expected)
	// Measured and simulated rates of wrong entries agree.
	compareCounts(t, float64(r.Failed), float64(s.Lookups.Failed)*float64(r.Done)/float64(s.Lookups.Done))
}

// compareCounts wants a count within five standard deviations of what is expected
// and a fifth: the noise of one key's errors differs from the mean over keys by
// some percent, and failures lie in the tail.
func compareCounts(t *testing.T, got, expected float64) {
	t.Helper()
	if d := math.Abs(got - expected); d > 5*math.Sqrt(expected)+expected/5 {
		t.Errorf("%v where %.1f are expected", got, expected)
	}
}
