package bgv

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

var one = &bundle.Add{Weights: []int32{1, 1}}

// residual are two blocks x + conv(square(conv(x))), with a dense map behind them.
func residual() *bundletest.Wiring {
	w := bundletest.Wire(3, 0, 1, 6, 6)
	return w.Add("stem", w.Same(2, 1)).Add("act", bundle.Square()).
		Add("a1", w.Same(2, 2)).Add("a2", bundle.Square()).Add("a3", w.Same(2, 2)).
		Add("a", one, "a3", "act").
		Add("b1", w.Same(2, 2)).Add("b2", bundle.Square()).Add("b3", w.Same(2, 2)).
		Add("b", one, "a", "b3").
		Add("pool", &bundle.SumPool{Kernel: bundle.Both(3), Stride: bundle.Both(3)}).
		Add("flat", &bundle.Reshape{Shape: []int{8}}).Add("dense", w.Dense(3, 8))
}

// uneven has windows of every kind: other heights than widths, paddings on some sides,
// dilation, groups, a channel each.
func uneven() *bundletest.Wiring {
	w := bundletest.Wire(3, 2, 3, 7, 6)
	c := w.Conv(6, 3, 3, 2, 3)
	c.Stride, c.Padding, c.Dilation = bundle.Pair{1, 2}, bundle.Sides{0, 2, 1, 1}, bundle.Pair{2, 1}
	d := w.Conv(4, 6, 2, 3, 1)
	d.Stride, d.Padding = bundle.Pair{2, 1}, bundle.Sides{1, 0, 0, 0}
	return w.Add("c", c).Add("square", bundle.Square()).Add("d", d).Add("polynomial", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{3, -2, 1}}}}).
		Add("pool", &bundle.SumPool{Kernel: bundle.Pair{2, 1}, Stride: bundle.Pair{2, 2}, Padding: bundle.Sides{1, 0, 1, 0}}).
		Add("flat", &bundle.Reshape{Shape: []int{16}}).Add("dense", w.Dense(3, 16))
}

// late reads the input behind two rescales.
func late() *bundletest.Wiring {
	w := bundletest.Wire(3, 1, 4)
	return w.Add("a", w.Dense(4, 4)).Add("b", bundle.Square()).Add("c", w.Dense(4, 4)).Add("d", bundle.Square()).
		Add("e", w.Dense(4, 4)).Add("f", bundle.Square()).Add("g", one, "f", "input").Add("h", w.Dense(2, 4))
}

// powers joins, behind a rescale, what has other degrees and other powers of the scale:
// x, x^2, x^3 and a product of two of them.
func powers() *bundletest.Wiring {
	w := bundletest.Wire(2, 0, 3)
	cubic := &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 0, -2, 1}}}}
	return w.Add("a", w.Dense(3, 3)).Add("b", bundle.Square()).Add("x", w.Dense(3, 3)).
		Add("square", bundle.Square()).Add("cubic", cubic, "x").
		Add("sum", &bundle.Add{Weights: []int32{1, 1, 1}}, "cubic", "x", "square").
		Add("product", &bundle.Mul{}, "x", "a").
		Add("all", &bundle.Concat{}, "sum", "square", "product", "input").
		Add("some", &bundle.Slice{From: 2, To: 11}).Add("out", w.Dense(3, 9))
}

// gates multiplies halves of a picture's channels, what a square is made of with itself,
// and by a factor of another depth.
func gates() *bundletest.Wiring {
	w := bundletest.Wire(2, 1, 1, 4, 4)
	return w.Add("c", w.Conv(4, 1, 1, 2, 2)).Add("x", &bundle.Slice{From: 0, To: 2}, "c").Add("y", &bundle.Slice{From: 2, To: 4}, "c").
		Add("xy", &bundle.Mul{}, "x", "y").Add("again", &bundle.Mul{}, "xy", "xy").Add("deep", &bundle.Mul{}, "y", "again").
		Add("both", &bundle.Concat{}, "deep", "x", "xy").
		Add("pool", &bundle.SumPool{Kernel: bundle.Both(3), Stride: bundle.Both(3)})
}

// outputs leaves choices of elements behind the last stage.
func outputs() *bundletest.Wiring {
	w := bundletest.Wire(3, 0, 4)
	return w.Add("a", w.Dense(4, 4)).Add("b", bundle.Square()).Add("c", &bundle.Slice{From: 1, To: 3}, "b").Add("d", &bundle.Concat{}, "c", "a", "input", "c")
}

// TestInsecureGraphsAreExact wires what meets in graphs by hand: other degrees, other
// powers of the scale, other segments, and what is no work at all.
func TestInsecureGraphsAreExact(t *testing.T) {
	for _, c := range []struct {
		name             string
		wiring           *bundletest.Wiring
		labels, segments int
		moduli           int
	}{
		{"residual", residual(), 3, 3, 4},
		{"windows of every kind", uneven(), 3, 2, 2},
		{"input behind two rescales", late(), 2, 3, 3},
		{"powers", powers(), 3, 2, 3},
		{"gates", gates().Add("flat", &bundle.Reshape{Shape: []int{6}}), 6, 3, 3},
		{"outputs", outputs(), 12, 1, 1},
		{"input twice", bundletest.Wire(3, 3, 2).Add("a", &bundle.Concat{}, "input", "input"), 4, 1, 1},
		{"product of the input", bundletest.Wire(3, 3, 2).Add("a", &bundle.Mul{}, "input", "input"), 2, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.wiring.Done(t, c.labels)
			plan := mustPlan(t, p, insecureOptions(10, c.moduli))
			if n := len(plan.circuit.segments); n != c.segments {
				t.Errorf("%d segments, want %d", n, c.segments)
			}
			left := checkExact(t, p, plan, bundletest.Samples(p, 50))
			t.Logf("logQ %.0f, noise bits left %.1f, predicted %.1f", plan.LogQ(), left, plan.PredictedNoiseBitsLeft())
		})
	}
}

// The server reads its input and changes nothing of it, also where a later segment
// reads it again.
func TestInsecureInputsStay(t *testing.T) {
	p := late().Done(t, 2)
	plan := mustPlan(t, p, insecureOptions(10, 3))
	client := generate(plan.half)
	var in ciphertexts
	var first, second ciphertexts
	if err := client.encryptBatch(t.Context(), bundletest.Samples(p, 3), 1, newSeeds(), &in); err != nil {
		t.Fatal(err)
	}
	server := newEvaluator(plan)
	for _, out := range []*ciphertexts{&first, &second} {
		if err := server.evaluate(t.Context(), &in, out); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.EqualFunc(first.limbs, second.limbs, slices.Equal) {
		t.Error("a second evaluation of the same inputs gives other outputs")
	}
}

// Programs that round, or look up, are refused by the name of the layer.
func TestRefusals(t *testing.T) {
	table := &bundle.LookupTable{Tables: []bundle.Table{{Lo: 0, Values: make([]int32, 8)}}}
	for _, c := range []struct {
		wiring *bundletest.Wiring
		want   string
	}{
		{bundletest.Wire(3, 0, 2).Scaled(4, "gate", &bundle.Mul{Shift: 2}, "input", "input"), `bgv: layer "gate": operation Mul is not supported with a shift of 2`},
		{bundletest.Wire(3, 0, 2).Scaled(4, "less", &bundle.Shift{Bits: 2}), `bgv: layer "less": operation Shift is not supported`},
		{bundletest.Wire(3, 0, 2).Add("table", table), `bgv: layer "table": operation LookupTable is not supported`},
		{bundletest.Wire(3, 0, 1, 2, 1).Add("pool", &bundle.MaxPool{Kernel: bundle.Pair{2, 1}, Stride: bundle.Both(1)}).Add("flat", &bundle.Reshape{Shape: []int{1}}), `bgv: layer "pool": operation MaxPool is not supported`},
	} {
		n := 2
		if len(c.wiring.Program.Input.Shape) > 1 {
			n = 1
		}
		p := c.wiring.Done(t, n)
		plan, err := NewPlan(t.Context(), p, Options{})
		var unsupported *bundle.UnsupportedError
		if plan != nil || !errors.As(err, &unsupported) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, %v, want %s", plan, err, c.want)
		}
	}
}

// A run on a graph ends where its context does.
func TestInsecureCancelGraph(t *testing.T) {
	p := late().Done(t, 2)
	plan := mustPlan(t, p, insecureOptions(10, 3))
	hetest.Cancelled(t, p, 2*plan.workers+2, func() he.Executor { return NewExecutor(p, plan) }, bundletest.Samples(p, 3))
}

// Buffers share memory once nothing reads them any more, and tiles within a segment.
func TestBuffersShareMemory(t *testing.T) {
	c, err := lower(t.Context(), residual().Done(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	// The stem's square and the first block's wait together, and with them come the
	// outputs; all else is made and read within a segment.
	if c.slots != 3 {
		t.Errorf("%d tensors between segments: %+v", c.slots, c.buffers)
	}
	for i := range c.segments {
		held := map[int]int{}
		for b := range c.buffers {
			if s := c.buffers[b].slot; s != noTile && c.buffers[b].made <= i && c.buffers[b].last > i {
				if other, ok := held[s]; ok {
					t.Errorf("buffers %d and %d are in one tensor behind segment %d", other, b, i)
				}
				held[s] = b
			}
		}
	}
}
