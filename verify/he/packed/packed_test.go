package packed

import (
	"context"
	"math"
	"os"
	"testing"

	"qtool/bundle"
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
func nets() map[string]*builder {
	return map[string]*builder{
		"conv pool conv":   newProgram(seeded(1), 4, 1, 10, 10).conv(2, 3, 1, 0, 7).square().pool(2, 2).conv(3, 3, 1, 0, 7).square().dense(4, 7),
		"pool last":        newProgram(seeded(2), 4, 1, 8, 8).conv(3, 3, 1, 1, 7).square().pool(2, 2).dense(3, 7),
		"padding, stride":  newProgram(seeded(3), 4, 2, 9, 9).conv(4, 3, 2, 1, 7).square().dense(12, 7).square().dense(5, 7),
		"pool overlaps":    newProgram(seeded(4), 4, 1, 9, 9).conv(2, 2, 1, 0, 7).square().pool(3, 2).dense(3, 7),
		"pool leaves rest": newProgram(seeded(5), 4, 1, 10, 10).conv(2, 2, 1, 0, 7).square().pool(2, 2).dense(3, 7),
		"pool of three":    newProgram(seeded(6), 4, 1, 11, 11).conv(2, 3, 1, 0, 7).square().pool(3, 3).dense(3, 7),
		"quadratics":       newProgram(seeded(7), 3, 3, 4, 4).conv(3, 3, 1, 1, 3).quadratic(5, true).dense(6, 3).quadratic(9, false).dense(2, 3),
		"ends in square":   newProgram(seeded(8), 4, 20).dense(9, 7).square().dense(4, 7).square(),
		"square first":     newProgram(seeded(9), 4, 17).square().dense(5, 7),
		"square of square": newProgram(seeded(10), 2, 12).dense(5, 2).square().square().dense(3, 2),
		"linear":           newProgram(seeded(11), 4, 30).dense(7, 7).dense(3, 7),
		"many channels":    newProgram(seeded(12), 4, 1, 12, 12).conv(24, 3, 1, 1, 7).square().pool(2, 2).conv(10, 3, 1, 1, 7).square().pool(2, 2).dense(3, 7),
		"wide biases":      newProgram(seeded(13), 4, 20).wide(75).dense(6, 7).square().dense(3, 7),
		"wide quadratics":  newProgram(seeded(14), 4, 3, 2, 2).wide(70).quadratic(9, true).wide(0).dense(3, 7),
	}
}

func (b *builder) quadratic(largest int, perChannel bool) *builder {
	rows := 1
	if perChannel {
		rows = b.shape[0]
	}
	p := &bundle.Polynomial{}
	for range rows {
		row := b.bias(3, largest)
		for row.At(2).Sign() == 0 {
			row = b.bias(3, largest)
		}
		p.Coeffs = append(p.Coeffs, row)
	}
	return b.add(p)
}

func reference(t testing.TB, p *bundle.Program, images [][]uint8) []bundle.Vec {
	t.Helper()
	run, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	var all []bundle.Vec
	for _, image := range images {
		v, err := run.Run(p.Input.Quantize(image), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func runBoth(t testing.TB, e verify.Executor, images [][]uint8) *verify.Result {
	t.Helper()
	r, err := e.Run(context.Background(), images, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Outputs are within the stated bound. With the values that an image really has,
// errors have the deviation that the model predicts: not more, and not much less.
func TestInsecureCKKSWithinBound(t *testing.T) {
	for name, b := range nets() {
		p := b.done()
		plan, err := NewPlan(p, insecure(11))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		images := b.images(6)
		r := runBoth(t, NewExecutor(p, plan), images)
		square, n := 0.0, 0.0
		for i, want := range reference(t, p, images) {
			e := gainsOf(plan.values, plan.imageSpans(images[i])).errors(plan.values, newCKKSSources(plan.logN, plan.ring.Q(), plan.ring.P(), plan.scales))
			for o, x := range r.Reals[i] {
				square += sq((x - want.Float(o)) / (plan.values[len(plan.values)-1].gain[o] * e.outputs[o]))
				n++
				if off := math.Abs(x - want.Float(o)); !(off <= r.Bound[o]) {
					t.Errorf("%s: image %d, output %d: %g, want %v: off by %.3g, the bound is %.3g", name, i, o, x, want.At(o), off, r.Bound[o])
				}
			}
		}
		// Beside its wide biases a network's weights vanish, and their errors.
		if ratio := math.Sqrt(square / n); ratio > 1.25 || ratio < 0.2 && name != "wide biases" {
			t.Errorf("%s: errors have %.2f of the predicted deviation", name, ratio)
		}
		if plan.Bits() < plan.options.Bits {
			t.Errorf("%s: %.1f bits predicted", name, plan.Bits())
		}
	}
}

func TestInsecureBGVExact(t *testing.T) {
	for name, b := range nets() {
		p := b.done()
		plan, err := NewExactPlan(p, insecure(11))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		images := b.images(3)
		r := runBoth(t, NewExactExecutor(p, plan), images)
		for i, want := range reference(t, p, images) {
			for o := range want.Len() {
				if got := r.Logits[i].At(o); got.Cmp(want.At(o)) != 0 {
					t.Errorf("%s: image %d, output %d: %v, want %v", name, i, o, got, want.At(o))
				}
			}
		}
		if r.NoiseBitsLeft < minBudget {
			t.Errorf("%s: %.1f bits of noise budget left", name, r.NoiseBitsLeft)
		}
	}
}

// TestNetworks runs the networks of the recipes, with random weights, at full
// security; QTOOL_PACKED names one.
func TestNetworks(t *testing.T) {
	all := map[string]*builder{"lenet": lenet(seeded(1)), "convnet": convnet(seeded(2)), "cryptonets": cryptonets(seeded(3)), "multilayer": multilayer(seeded(4)), "wide": wideLenet(seeded(5))}
	name := os.Getenv("QTOOL_PACKED")
	b := all[name]
	if b == nil {
		t.Skip("QTOOL_PACKED names no network")
	}
	p := b.done()
	plan, err := NewPlan(p, Options{Bits: map[string]float64{"wide": 15}[name]})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.why {
		t.Log(w)
	}
	images := b.images(8)
	r := runBoth(t, NewExecutor(p, plan), images)
	l := verify.Ladder{Output: p.Output(), Labels: make([]uint8, len(images)), Integer: reference(t, p, images), Reals: r.Reals, Bound: r.Bound, Usual: r.Usual}
	c, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	if c.Precision.Outside > 0 || c.Precision.Bits < plan.options.Bits {
		t.Errorf("%d outputs outside the bound, %.1f bits where %.1f are asked for", c.Precision.Outside, c.Precision.Bits, plan.options.Bits)
	}
	t.Logf("%+v\n%+v\nnodes %.3v", *c.Precision, *r.Latency, r.NodeSeconds)
}
