package tfhe

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
	"qtool/he"
	"qtool/quant"
)

// convNet has linear operations in a row, a reshape, a table a channel and a
// polynomial.
func convNet(t testing.TB) *bundle.Program {
	rng := seeded(4)
	p := &bundle.Program{Input: bundle.Input{Shape: []int{1, 6, 6}, Quantizer: quant.Params{Bits: 1, Scale: 1}}}
	weights := func(n int) []int32 {
		w := make([]int32, n)
		for i := range w {
			w[i] = int32(rng.IntN(3) - 1)
		}
		return w
	}
	add := func(name string, op bundle.Op) {
		p.Nodes = append(p.Nodes, bundle.Node{Name: name, Op: op, Scale: []float64{1}})
		prove(t, p)
	}
	// prove labels a flat tensor, so that shapes need a flat end for now.
	p.Nodes = []bundle.Node{
		{Name: "conv", Op: &bundle.Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{3, 3}, Stride: bundle.Both(1), Weight: weights(18), Bias: bundle.Vec{Small: []int64{1, -1}}}, Scale: []float64{1}},
		{Name: "pool", Op: &bundle.SumPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}, Scale: []float64{1}},
		{Name: "act", Op: &bundle.LookupTable{Tables: []bundle.Table{
			{Lo: -40, Values: sigmoid(1)(-40, 40, rng)}, {Lo: -50, Values: sigmoid(2)(-50, 50, rng)},
		}}, Scale: []float64{1}},
	}
	add("flat", &bundle.Reshape{Shape: []int{8}})
	add("fc1", &bundle.Dense{Units: 4, Inputs: 8, Weight: weights(32), Bias: bundle.Vec{Small: []int64{0, 1, 2, 3}}})
	add("square", bundle.Square())
	add("fc2", &bundle.Dense{Units: 3, Inputs: 4, Weight: weights(12), Bias: bundle.Vec{Small: []int64{5, 6, 7}}})
	return p
}

// Layers, evaluated message by message, give the reference's logits: what encryption
// without noise would.
func TestLayersAreTheProgram(t *testing.T) {
	rng := seeded(5)
	for _, p := range append(slices.Collect(maps.Values(graphs(t))),
		convNet(t),
		newNet(t, rng, net{bits: 2, maxWeight: 2, table: arbitrary(3), widths: []int{9, 7, 5, 4}}),
		newNet(t, rng, net{bits: 3, maxWeight: 3, domain: 40, table: sigmoid(2), widths: []int{30, 7, 5, 4}}),
		newNet(t, rng, net{bits: 2, maxWeight: 1, widths: []int{5, 3}}),
		lstmtest.Table(lstmtest.Shape{Steps: 1, Inputs: 3, Hidden: 2}, 30, 1),
		lstmtest.Table(lstmtest.Shape{Steps: 4, Inputs: 5, Hidden: 3}, 60, 2),
		lstmtest.Unit(lstmtest.Shape{Steps: 4, Inputs: 5, Hidden: 3}, 60, 2),
		squares(t),
	) {
		plan := forced(t, p, testInsecureLiteral())
		samples := randomSamples(rng, 50, plan.program)
		for i, w := range bundletest.Reference(t, p, samples) {
			values := samples[i].Vec().Small
			var out []int64
			for k := range plan.layers {
				l := &plan.layers[k]
				out = make([]int64, l.n)
				for o := range out {
					message := l.messageOf(values, o)
					out[o] = l.lo[o] + int64(message)
					if l.tables != nil {
						out[o] = l.tables[o].result(message, l.half)
					}
				}
				values = append(values, out...)
			}
			if got := (bundle.Vec{Small: out}); !got.Equal(w) {
				t.Fatalf("sample %d: %v, want %v", i, got, w)
			}
		}
	}
}

// squares is a loop that multiplies a value by itself, by a constant and by a
// state, shifts, and reads values in layers of different message spaces.
func squares(t testing.TB) *bundle.Program {
	node := func(name string, op bundle.Op, inputs ...string) bundle.Node {
		return bundle.Node{Name: name, Op: op, Scale: []float64{1}, Inputs: inputs}
	}
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{3, 2}, Quantizer: quant.Params{Bits: 2, Scale: float32(1) / 3, ZeroPoint: 1}},
		Nodes: []bundle.Node{{Name: "loop", Scale: []float64{1}, Op: &bundle.Recurrent{
			Steps: 3, Output: "s",
			States: []bundle.State{
				{Name: "s", Size: 2, Scale: []float64{1}, Range: bundle.NewRange(-3, 4), Next: "s1"},
				{Name: "last", Size: 2, Scale: []float64{1}, Range: bundle.NewRange(-1, 2), Next: "x"},
			},
			Body: []bundle.Node{
				node("square", &bundle.Mul{}, "x", "x"),
				node("product", &bundle.Mul{}, "square", "s"),
				node("old", &bundle.Mul{}, "last", "x"),
				node("half", &bundle.Mul{Shift: 1}, "last", "x"),
				node("one", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{3, 1}}}}, "last"),
				node("some", &bundle.Mul{Shift: 1}, "x", "one"),
				node("sum", &bundle.Add{Weights: []int32{1, -2, 1, -1}}, "product", "old", "half", "some"),
				node("shifted", &bundle.Shift{Bits: 3}, "sum"),
				node("in", &bundle.Domain{Lo: -3, Hi: 3}, "shifted"),
				node("s1", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{0, 1}}, {Small: []int64{1, -1}}}}, "in"),
			},
		}}},
	}
	prove(t, p)
	return p
}

// A value has one encoding: all that read it have the message space that it is encoded for,
// less their gain.
func TestMessageSpacesAgree(t *testing.T) {
	for _, p := range append(slices.Collect(maps.Values(graphs(t))), squares(t), lstmtest.Table(lstmtest.Shape{Steps: 3, Inputs: 4, Hidden: 3}, 50, 3)) {
		layers, err := lower(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		values, first := encodings(layers), layers[0].first
		for i := range layers {
			l := &layers[i]
			if l.first != first {
				t.Errorf("layer %q: first output %d, want %d", l.name, l.first, first)
			}
			first += l.n
			if l.span() > 2*l.half {
				t.Errorf("layer %q: %d values in a message space of %d", l.name, l.span(), 2*l.half)
			}
			for o := range l.n {
				l.each(o, func(v int, _ int32) {
					if v >= l.first || values[v].half != l.gain*l.half || l.tables != nil && values[v].gain != l.gain {
						t.Errorf("layer %q of half message space %d, gain %d and values from %d on reads value %d of %+v", l.name, l.half, l.gain, l.first, v, values[v])
					}
				})
			}
		}
	}
}

func TestLowerGroups(t *testing.T) {
	layers, err := lower(t.Context(), convNet(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != 3 || layers[0].name != "act" || layers[1].name != "square" || layers[2].name != "fc2" {
		t.Fatalf("%d layers", len(layers))
	}
	if l := layers[0]; l.n != 8 || l.rows.Outputs() != 8 || l.rows.Inputs != 36 || l.linearNode != 1 || l.tableNode != 2 {
		t.Errorf("first layer: %d outputs of %d, nodes %d and %d", l.n, l.rows.Inputs, l.linearNode, l.tableNode)
	}
	count := 0
	for _, n := range layers[0].norms {
		count += n.count
	}
	if count != 8 {
		t.Errorf("norms of %d outputs", count)
	}
}

func TestLowerRefuses(t *testing.T) {
	dense := func(weight int32, bias bundle.Vec) *bundle.Program {
		p := &bundle.Program{
			Input: bundle.Input{Shape: []int{1}, Quantizer: quant.Params{Bits: 8, Scale: 1}},
			Nodes: []bundle.Node{
				{Name: "wide", Op: &bundle.Dense{Units: 1, Inputs: 1, Weight: []int32{weight}, Bias: bias}, Scale: []float64{1}},
				{Name: "square", Op: bundle.Square(), Scale: []float64{1}},
			},
		}
		prove(t, p)
		return p
	}
	for name, c := range map[string]struct {
		p    *bundle.Program
		want string
	}{
		"domain": {dense(1000, bundle.Vec{Small: []int64{0}}), `layer "square": element 0: its table would have 255001 entries`},
		"range":  {dense(math.MaxInt32, bundle.Vec{Small: []int64{0}}), "passes the limit of 28 bits"},
		"bias":   {dense(1, bundle.Vec{Small: []int64{1 << 61}}), "passes the limit of 28 bits"},
		"entry":  {dense(1, bundle.Vec{Small: []int64{1 << 24}}), "beyond 40 bits"},
	} {
		if _, err := NewPlan(t.Context(), c.p, Options{}); !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTablesAreCapped(t *testing.T) {
	l := layer{n: maxEntries/maxDomain + 1}
	l.lo, l.hi = make([]int64, l.n), make([]int64, l.n)
	for o := range l.hi {
		l.hi[o] = maxDomain - 1
	}
	err := l.tabulate(func(_, _ int, q int64) int64 { return q })
	if !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), "element 4096") {
		t.Error(err)
	}
}
