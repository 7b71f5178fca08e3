package tfhe

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
	"qtool/kernel/gadget"
)

// skips has two layers of tables, and logits that read the inputs and the outputs of
// both with the weights given.
func skips(t testing.TB, input, first, second int32) *bundle.Program {
	return graphOf(t, []int{8}, 2, 0, 3,
		node("fc1", dense(11, 8, 8), "input"),
		node("act1", step(25, 3)),
		node("fc2", dense(12, 8, 8)),
		node("act2", step(25, 3)),
		node("sum", &bundle.Add{Weights: []int32{input, first, second}}, "input", "act1", "act2"),
		node("out", dense(13, 3, 8)))
}

// preciseLiteral is quick, not secure, and has little noise modulo Q.
func preciseLiteral() ParametersLiteral {
	return ParametersLiteral{LogN: 10, LogQ: 58, Ring: [2]Digits{{10, 4}, {9, 5}}, Group: 2, Dimension: 32, LogSmallQ: 24, Switch: Digits{4, 5}}
}

// precisely is a precise plan with the given parameters, whatever they can carry.
func precisely(t testing.TB, p *bundle.Program, l ParametersLiteral) *Plan {
	t.Helper()
	layers, err := lower(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := build(p, precise(layers), l, 0)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Logits that share values with tables leave the tables the message space that they
// take alone, and have the least whole multiple of it.
func TestGains(t *testing.T) {
	least := func(p *bundle.Program) int {
		var tables []table
		layers, err := lower(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for i := range layers {
			tables = append(tables, layers[i].tables...)
		}
		return halfPeriod(tables, 1)
	}
	for _, w := range [][3]int32{{1, 1, 1}, {3, 5, 2}, {5, 900, 1000}, {90000, 100000, 7000}} {
		p := skips(t, w[0], w[1], w[2])
		layers, err := lower(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		h, last := least(p), &layers[2]
		need := last.span()/2 + 1
		gain := (need + h - 1) / h
		for i := range layers {
			l := &layers[i]
			half, g := h, gain
			if l.tables == nil {
				half, g = gain*h, 1
			}
			if l.half != half || l.gain != g {
				t.Errorf("weights %v, layer %q: half message space %d and gain %d, want %d and %d", w, l.name, l.half, l.gain, half, g)
			}
		}
		if (gain == 1) != (need <= h) || last.half-need >= h {
			t.Errorf("weights %v: gain %d for %d of %d", w, gain, need, h)
		}
	}
}

// Networks with skips to their logits are exact under encryption and when simulated,
// with one message space where that does, and with words alone as long as those are
// precise enough.
func TestInsecureSkipsAreExact(t *testing.T) {
	for _, c := range []struct {
		weights       [3]int32
		gain, precise bool
	}{
		{[3]int32{1, 1, 1}, false, false}, {[3]int32{3, 5, -2}, true, false}, {[3]int32{77, 901, -1013}, true, true}, {[3]int32{0, 2011, 5000}, true, true},
	} {
		p, l := skips(t, c.weights[0], c.weights[1], c.weights[2]), preciseLiteral()
		plan, err := NewPlan(t.Context(), p, Options{Parameters: &l, AllowInsecure: true})
		if err != nil {
			t.Fatalf("weights %v: %v", c.weights, err)
		}
		if plan.precise() != c.precise || (plan.layers[1].gain > 1) != c.gain {
			t.Errorf("weights %v: precise %v, gain %d", c.weights, plan.precise(), plan.layers[1].gain)
		}
		samples := randomSamples(seeded(9), 6, plan.program)
		r, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
		if err != nil {
			t.Fatalf("weights %v: %v", c.weights, err)
		}
		bundletest.CheckExact(t, p, samples, hetest.Exact(t, r))
		if k := hetest.Account[*he.Lookups](t, r); k.Missed != 0 {
			t.Errorf("weights %v: %d of %d look-ups missed", c.weights, k.Missed, k.Done)
		}
		s, err := plan.Simulate(context.Background(), samples, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		bundletest.CheckExact(t, p, samples, s.Answers)
		budget := plan.NoiseBudget()
		if want := map[bool]float64{false: 32, true: 58}[c.precise]; budget[2].LogQ != want || budget[0].LogQ != 24 {
			t.Errorf("weights %v: moduli of %v and %v bits", c.weights, budget[0].LogQ, budget[2].LogQ)
		}
	}
}

// The noise of look-ups behind a gain, of what is kept modulo Q, and of logits is as
// predicted, measured and simulated: where the gain makes most of it, and where the
// logits have less than words could carry.
func TestInsecurePreciseNoiseIsAsPredicted(t *testing.T) {
	p := skips(t, 77, 901, 1013)
	gained := ParametersLiteral{LogN: 10, LogQ: 46, Ring: [2]Digits{{16, 2}, {16, 2}}, Group: 2, Dimension: 32, LogSmallQ: 24, Switch: Digits{4, 5}}
	for name, l := range map[string]ParametersLiteral{"gained": gained, "precise": preciseLiteral()} {
		t.Run(name, func(t *testing.T) {
			plan := precisely(t, p, l)
			samples := randomSamples(seeded(10), 40, plan.program)
			a := trial(t, plan, samples, nil)
			s, err := plan.Simulate(context.Background(), samples, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			if name == "gained" {
				la := &plan.layers[1]
				one := *la
				one.gain = 1
				if v, w := l.accumulated(la, la.norms[0]), l.lookup(l.accumulated(&one, la.norms[0])); v < w {
					t.Errorf("the gain makes %g of the variance, all else %g: nothing to test", v, w)
				}
			} else if la := plan.last(); l.accumulated(la, la.norms[0]) > l.toWord()*la.norms[0].rotated/100 {
				t.Error("words would do: nothing to test")
			}
			for i := range plan.layers {
				la, tally := &plan.layers[i], &a.layers[i]
				mean := 0.0
				for _, w := range la.norms {
					v := l.accumulated(la, w)
					if la.tables != nil {
						v = l.lookup(v)
					}
					mean += v * float64(w.count) / float64(la.n)
				}
				compareNoise(t, la.name, math.Sqrt(mean), math.Sqrt(tally.square/float64(tally.done)), tally.done)
				simulated := s.Lookups.Layers[i].Measured * l.bound(la)
				compareNoise(t, la.name+" simulated", math.Sqrt(mean), simulated, tally.done)
				if la.tables != nil {
					compareNoise(t, la.name+" output", math.Sqrt(l.rotation()), math.Sqrt(tally.outSquare/float64(tally.done)), tally.done)
				}
			}
		})
	}
}

// Random programs whose outputs are added up with large weights, with another tensor of
// their shape if there is one, decrypt to the reference's integers, and no look-up
// misses; some of their plans are precise, and some have a gain.
func TestInsecureRandomProgramsOfWideLogits(t *testing.T) {
	n, gains, precisely := 150, 0, 0
	if testing.Short() {
		n = 60 // of which rapid takes a fifth
	}
	l := graphLiteral()
	l.LogQ, l.Ring = 58, [2]Digits{{10, 4}, {9, 5}}
	o := bundletest.Random{Kinds: carried.Kinds, InputBits: 2, RangeBits: 8, TableBits: 7}
	bundletest.Encrypted(t, n, o, 2, func(t *rapid.T, p *bundle.Program, samples []bundle.Sample) []bundle.Vec {
		widen(t, p)
		plan, err := NewPlan(context.Background(), p, Options{Parameters: &l, AllowInsecure: true, LogFailure: -40, Workers: 1})
		if errors.Is(err, he.ErrInsufficient) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if plan.precise() {
			precisely++
		}
		if slices.ContainsFunc(plan.layers, func(la layer) bool { return la.gain > 1 }) {
			gains++
		}
		r, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
		if err != nil {
			t.Fatal(err)
		}
		if k := hetest.Account[*he.Lookups](t, r); k.Missed != 0 {
			t.Fatalf("%d of %d look-ups missed", k.Missed, k.Done)
		}
		return hetest.Exact(t, r)
	})
	t.Logf("%d plans with a gain, %d precise ones", gains, precisely)
	if gains == 0 || precisely == 0 {
		t.Errorf("%d plans with a gain, %d precise ones: nothing to test", gains, precisely)
	}
}

// widen appends a sum of p's last tensor and the last other one of its shape, or of the
// last with itself, with weights of up to 14 bits.
func widen(t *rapid.T, p *bundle.Program) {
	last := p.Output().Name
	other := last
	for i := range p.Nodes[:len(p.Nodes)-1] {
		if shape, err := p.Nodes[i].Op.OutShape(p.InShapes(i)...); err == nil && len(shape) == 1 && shape[0] == len(p.Labels) {
			other = p.Nodes[i].Name
		}
	}
	weight := func(name string) int32 { return int32(1) << rapid.IntRange(0, 14).Draw(t, name) }
	p.Nodes = append(p.Nodes, node("widened", &bundle.Add{Weights: []int32{weight("of the last"), weight("of the other")}}, last, other))
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
}

// A precise plan is another than that of words, and ciphertexts of one are none of the
// other. Without a reader, an exact ciphertext is not made.
func TestPrecisePlans(t *testing.T) {
	p, l := skips(t, 0, 901, 1013), preciseLiteral()
	words, residues := forced(t, p, l), precisely(t, p, l)
	if words.Hash() == residues.Hash() {
		t.Error("a precise plan has the hash of one of words")
	}
	if a, b := words.half.sizes().Outputs, residues.half.sizes().Outputs; b-a != 4*int64(l.exactBytes())/8*3 {
		t.Errorf("outputs of %d and %d bytes", a, b)
	}
	for v, k := range residues.newKept(0, len(residues.encodings)) {
		if (k != nil) != (v >= 8) {
			t.Errorf("value %d is kept: %v", v, k != nil)
		}
	}
	for v, k := range words.newKept(0, len(words.encodings)) {
		if k != nil {
			t.Errorf("words: value %d is kept", v)
		}
	}
}

// Noise that only more digits than words can use keeps low is carried by a precise plan
// of secure parameters; logits within words' precision take none.
func TestPlanIsPreciseWhereNeeded(t *testing.T) {
	for _, c := range []struct {
		weights [3]int32
		precise bool
	}{{[3]int32{1, 2, 3}, false}, {[3]int32{5000, 9001, 10013}, true}} {
		plan, err := NewPlan(t.Context(), skips(t, c.weights[0], c.weights[1], c.weights[2]), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.params.CheckSecurity(); err != nil || plan.precise() != c.precise || plan.FailurePerSample() > math.Exp2(DefaultLogFailure) {
			t.Errorf("weights %v: precise %v, failures %g, %v", c.weights, plan.precise(), plan.FailurePerSample(), err)
		}
		if levels := max(plan.params.Ring[0].Levels, plan.params.Ring[1].Levels); !c.precise && levels > wordLevels || levels > gadget.MaxLevels {
			t.Errorf("weights %v: %v", c.weights, &plan.params.ParametersLiteral)
		}
	}
}

// exactMessage splits the whole torus into messages, also where a phase times their number passes
// 64 bits.
func TestExactMessage(t *testing.T) {
	p := mustParameters(t, preciseLiteral())
	rng := seeded(14)
	for _, h := range []int{1, 3, 1000, 1 << 27} {
		for range 200 {
			j := rng.Int64N(2 * int64(h))
			off := rng.Float64() - 0.5
			x := p.encode(2*j+1, 4*int64(h)) + uint64(int64(off*0.99*float64(p.q)/float64(2*h)))
			message, noise := exactMessage(x, p.q, h)
			if int64(message) != j || math.Abs(noise*2*float64(h)-off*0.99) > 1e-6 {
				t.Fatalf("2*%d messages, %d and %g of one: message %d and %g", h, j, off*0.99, message, noise*2*float64(h))
			}
		}
	}
}

// Under secure parameters a precise plan is exact, and its logits' noise as predicted at
// most.
func TestPreciseFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute and a gigabyte")
	}
	p := skips(t, 5000, 9001, 10013)
	plan, err := NewPlan(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.Why() {
		t.Log(w)
	}
	samples := randomSamples(seeded(15), 2, plan.program)
	r, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	bundletest.CheckExact(t, p, samples, hetest.Exact(t, r))
	k := hetest.Account[*he.Lookups](t, r)
	if !plan.precise() || k.Done != 2*(8+8+3) || k.Missed != 0 {
		t.Errorf("precise %v, %d look-ups and logits, %d missed", plan.precise(), k.Done, k.Missed)
	}
	for _, l := range k.Layers {
		t.Logf("%s: deviation %.3f, predicted %.3f", l.Layer, l.Measured, l.Predicted)
		if l.Measured > l.Predicted*(1+5/math.Sqrt(2*float64(l.Done))) {
			t.Errorf("%s: deviation %g, predicted %g at most", l.Layer, l.Measured, l.Predicted)
		}
	}
}
