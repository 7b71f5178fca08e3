package bgvlut

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

var sumOfTwo = &bundle.Add{Weights: []int32{1, 1}}

// residual is a block x + conv(table(conv(x))) with a table behind it.
func residual(t *testing.T) *bundletest.Wiring {
	w := bundletest.Wire(2, 0, 1, 3, 3)
	w.Largest = 1
	w.Add("stem", w.Same(2, 1)).Table(t, "act", "stem").
		Add("c1", w.Conv(2, 2, 1, 1, 1), "act").Table(t, "c2", "c1").Add("c3", w.Conv(2, 2, 1, 1, 1), "c2").
		Add("sum", sumOfTwo, "c3", "act").Table(t, "out", "sum").
		Add("pool", &bundle.SumPool{Kernel: bundle.Both(3), Stride: bundle.Both(3)})
	return w.Add("flat", &bundle.Reshape{Shape: []int{2}})
}

// beside has tables of one round with other numbers of levels, an input that waits for a
// later round, and elements that nothing reads.
func beside(t *testing.T) *bundletest.Wiring {
	w := bundletest.Wire(2, 1, 5)
	w.Largest = 1
	w.Add("wide", w.Dense(3, 5)).Table(t, "a", "wide").Table(t, "b", "input").
		Add("all", &bundle.Concat{}, "a", "b", "input").Add("some", &bundle.Slice{From: 2, To: 11}).
		Add("d", w.Dense(3, 9)).Table(t, "e", "d")
	return w.Add("last", &bundle.Concat{}, "e", "some", "e")
}

// windows has uneven windows of groups.
func windows(t *testing.T) *bundletest.Wiring {
	w := bundletest.Wire(1, 0, 2, 5, 4)
	w.Largest = 1
	c := w.Conv(4, 2, 2, 2, 3)
	c.Stride, c.Padding, c.Dilation = bundle.Pair{1, 2}, bundle.Sides{0, 2, 1, 1}, bundle.Pair{2, 1}
	return w.Add("c", c).Table(t, "t", "c").
		Add("pool", &bundle.SumPool{Kernel: bundle.Pair{2, 1}, Stride: bundle.Pair{2, 2}, Padding: bundle.Sides{1, 0, 0, 0}}).
		Add("flat", &bundle.Reshape{Shape: []int{16}}).Add("dense", w.Dense(3, 16))
}

// TestInsecureGraphsAreExact wires what meets in graphs by hand.
func TestInsecureGraphsAreExact(t *testing.T) {
	product := func(shift uint8) *bundletest.Wiring {
		w := bundletest.Wire(2, 1, 2)
		w.Largest = 1
		w.Add("x", w.Dense(3, 2), "input").Add("y", w.Dense(3, 2), "input").Scaled(float64(int(1)<<shift), "xy", &bundle.Mul{Shift: shift}, "x", "y")
		return w.Table(t, "t", "xy")
	}
	pool := &bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(1), Padding: bundle.Sides{1, 0, 0, 1}}
	for _, c := range []struct {
		name           string
		wiring         *bundletest.Wiring
		labels, rounds int
	}{
		{"residual", residual(t), 2, 3},
		{"tables of one round", beside(t), 15, 3},
		{"windows of every kind", windows(t), 3, 2},
		{"product", product(0), 3, 2},
		{"rounded product", product(2), 3, 2},
		{"square", bundletest.Wire(2, 2, 3).Add("s", &bundle.Mul{}, "input", "input"), 3, 1},
		{"rounded square", bundletest.Wire(3, 4, 3).Scaled(4, "s", &bundle.Mul{Shift: 2}, "input", "input"), 3, 1},
		{"largest of windows", bundletest.Wire(2, 2, 1, 2, 2).Add("pool", pool).Add("flat", &bundle.Reshape{Shape: []int{4}}), 4, 3},
		{"input twice", bundletest.Wire(3, 3, 2).Add("a", &bundle.Concat{}, "input", "input"), 4, 1},
	} {
		p := c.wiring.Done(t, c.labels)
		for copies := 1; copies <= maxCopies; copies++ {
			o := insecureCopies(10, copies)
			plan := mustPlan(t, p, o)
			if n := len(plan.layout.drops); n != c.rounds {
				t.Errorf("%s: %d rounds, want %d", c.name, n, c.rounds)
			}
			result := checkExact(t, p, plan, bundletest.Samples(p, 30))
			t.Logf("%s, %d copies: log QP %.0f, %d primes, noise bits left %.1f, predicted %.1f", c.name, copies, plan.LogQP(), len(plan.layout.q), hetest.NoiseLeft(t, result), plan.PredictedNoiseBitsLeft())
			// A prediction is the plan's, low degrees of products included.
			got, err := Predict(t.Context(), p, o)
			if err != nil || got.LogQP != plan.LogQP() || got.CiphertextPrimes != len(plan.layout.q) {
				t.Errorf("predicted %+v, %v", got, err)
			}
		}
	}
}

// The tables of a maximum are one layer's, of all rounds together, and so is what it is
// evaluated as.
func TestInsecureMaximumIsOneLayer(t *testing.T) {
	w := bundletest.Wire(2, 0, 1, 2, 2).Add("pool", &bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(1)})
	p := w.Add("flat", &bundle.Reshape{Shape: []int{1}}).Done(t, 1)
	plan := mustPlan(t, p, insecureOptions(10))
	if all := plan.TableLayers(); len(all) != 1 || all[0].Layer != "pool" || all[0].PerSample != 3 || all[0].Domain != 7 {
		t.Errorf("tables %+v, want 3 of pool over -3..3", all)
	}
	for _, l := range plan.Describe(0).Layers {
		if l.Name != "pool" || l.First != 0 || l.Last != 0 || !(l.Seconds > 0) {
			t.Errorf("layer %+v", l)
		}
	}
}

// An evaluation keeps no more ciphertexts than are read again, and gives back the memory
// of all others; its inputs stay unless it consumes them.
func TestInsecureMemoryIsFreed(t *testing.T) {
	p := beside(t).Done(t, 15)
	plan := mustPlan(t, p, insecureOptions(10))
	client, server := newRoles(t, plan)
	var in ciphertexts
	var out ciphertexts
	if err := client.encryptBatch(t.Context(), bundletest.Samples(p, 3), newSeeds(), &in, nil); err != nil {
		t.Fatal(err)
	}
	var want [][]uint64
	for _, evaluate := range []func(context.Context, *ciphertexts, *ciphertexts, func(float64)) error{server.evaluate, server.evaluate, server.consume} {
		if err := evaluate(t.Context(), &in, &out, nil); err != nil {
			t.Fatal(err)
		}
		got, _, err := client.residues(t.Context(), out, nil)
		if err != nil {
			t.Fatal(err)
		}
		for o := range got {
			if want == nil {
				continue
			}
			for k := range got[o] {
				if got[o][k] != want[o][k] {
					t.Fatalf("output %d of sample %d: %d, at first %d", o, k, got[o][k], want[o][k])
				}
			}
		}
		want = got
	}
	if in != nil {
		t.Error("inputs that were consumed are there")
	}
	// Everything but the outputs is back: what was read last, and what nothing read.
	limbs := func() int { return len(server.pool.free) }
	before := limbs()
	server.pool.free = nil
	if err := client.encryptBatch(t.Context(), bundletest.Samples(p, 3), newSeeds(), &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := server.consume(t.Context(), &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	if before == 0 || limbs() == 0 {
		t.Errorf("%d and %d limbs are free", before, limbs())
	}
}

// What no table carries is refused by the name of the layer.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		wiring *bundletest.Wiring
		want   string
	}{
		{bundletest.Wire(3, 0, 2).Scaled(4, "less", &bundle.Shift{Bits: 2}), `bgvlut: layer "less": operation Shift is not supported`},
		{bundletest.Wire(3, 0, 2).Add("square", bundle.Square()), `bgvlut: layer "square": operation Polynomial is not supported`},
	} {
		p := c.wiring.Done(t, 2)
		plan, err := NewPlan(t.Context(), p, Options{})
		var unsupported *bundle.UnsupportedError
		if plan != nil || !errors.As(err, &unsupported) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, %v, want %s", plan, err, c.want)
		}
	}
	w := bundletest.Wire(8, 0, 2)
	large := &bundle.Dense{Units: 2, Inputs: 2, Weight: []int32{1 << 10, 1, 1, 1 << 10}, Bias: bundle.Vec{Small: make([]int64, 2)}}
	p := w.Add("large", large).Add("product", &bundle.Mul{}, "large", "input").Done(t, 2)
	if _, err := NewPlan(t.Context(), p, Options{}); !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), `layer "product"`) {
		t.Errorf("a product of wide factors: %v", err)
	}
	p = bundletest.Wire(8, 0, 1, 8, 8).Add("pool", &bundle.MaxPool{Kernel: bundle.Both(8), Stride: bundle.Both(1)}).Add("flat", &bundle.Reshape{Shape: []int{1}}).Done(t, 1)
	if _, err := NewPlan(t.Context(), p, Options{}); !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), `layer "pool"`) {
		t.Errorf("a maximum of bytes: %v", err)
	}
}

// A run on a graph ends where its context does.
func TestInsecureCancelGraph(t *testing.T) {
	p := beside(t).Done(t, 15)
	plan := mustPlan(t, p, insecureOptions(10))
	hetest.Cancelled(t, p, 2*plan.workers+2, func() he.Executor { return NewExecutor(p, plan) }, bundletest.Samples(p, 3))
}

// Random programs of all operations that are carried decrypt to the reference's integers.
// Wide tables and factors are refused as insufficient.
func TestInsecureRandomPrograms(t *testing.T) {
	o := bundletest.Random{Kinds: carried.Kinds, Layers: 5, InputBits: 2, RangeBits: 8, TableBits: 5}
	bundletest.Encrypted(t, 150, o, 10, func(t *rapid.T, p *bundle.Program, samples []bundle.Sample) []bundle.Vec {
		plan, err := NewPlan(context.Background(), p, Options{LogN: 10, AllowInsecure: true, Workers: 1})
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
		if left := hetest.NoiseLeft(t, result); left < plan.PredictedNoiseBitsLeft() {
			t.Fatalf("measured noise leaves %.2f bits, the prediction is %.2f", left, plan.PredictedNoiseBitsLeft())
		}
		return hetest.Exact(t, result)
	})
}
