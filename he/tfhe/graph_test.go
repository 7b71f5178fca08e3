package tfhe

import (
	"context"
	"errors"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
	"qtool/quant"
)

// graphOf is a proved program on an input of so many bits with a zero point.
func graphOf(t testing.TB, shape []int, bits quant.BitWidth, zero int32, labels int, nodes ...bundle.Node) *bundle.Program {
	t.Helper()
	p := &bundle.Program{
		Input:  bundle.Input{Shape: shape, Quantizer: quant.Params{Bits: bits, Scale: 1, ZeroPoint: zero}},
		Nodes:  nodes,
		Labels: make([]string, labels),
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	return p
}

// node reads the tensors inputs. It has no scale and stands for no real.
func node(name string, op bundle.Op, inputs ...string) bundle.Node {
	return bundle.Node{Name: name, Op: op, Inputs: inputs}
}

// tableFrom is one table from lo on.
func tableFrom(lo int64, values ...int32) *bundle.LookupTable {
	return &bundle.LookupTable{Tables: []bundle.Table{{Lo: lo, Values: values}}}
}

// step is a table over -n..n that rises from 0 to top.
func step(n, top int) *bundle.LookupTable {
	t := bundle.Table{Lo: int64(-n)}
	for q := -n; q <= n; q++ {
		t.Values = append(t.Values, int32(min(max(q+top/2, 0), top)))
	}
	return &bundle.LookupTable{Tables: []bundle.Table{t}}
}

// conv has weights of -1, 0 and 1.
func conv(seed uint64, c bundle.Conv2D) *bundle.Conv2D {
	rng := seeded(seed)
	c.Weight = make([]int32, c.Outputs*c.Channels/max(1, c.Groups)*c.Kernel[0]*c.Kernel[1])
	for i := range c.Weight {
		c.Weight[i] = int32(rng.IntN(3) - 1)
	}
	c.Bias = bundle.Vec{Small: make([]int64, c.Outputs)}
	for i := range c.Bias.Small {
		c.Bias.Small[i] = int64(rng.IntN(3) - 1)
	}
	return &c
}

// dense has weights of -1, 0 and 1.
func dense(seed uint64, units, inputs int) *bundle.Dense {
	c := conv(seed, bundle.Conv2D{Outputs: units, Channels: inputs, Kernel: bundle.Both(1)})
	return &bundle.Dense{Units: units, Inputs: inputs, Weight: c.Weight, Bias: c.Bias}
}

// graphs are programs with branches, by what they have.
func graphs(t testing.TB) map[string]*bundle.Program {
	one := bundle.Both(1)
	return map[string]*bundle.Program{
		"residual": graphOf(t, []int{1, 4, 4}, 1, 0, 3,
			node("conv1", conv(1, bundle.Conv2D{Outputs: 2, Channels: 1, Kernel: bundle.Both(3), Stride: bundle.Both(2), Padding: bundle.Around(1)}), "input"),
			node("act1", step(12, 2)),
			node("conv2", conv(2, bundle.Conv2D{Outputs: 2, Channels: 2, Kernel: bundle.Both(3), Stride: one, Padding: bundle.Around(1)})),
			node("sum", &bundle.Add{Weights: []int32{1, 1}}, "act1", "conv2"),
			node("act2", step(24, 2)),
			node("conv3", conv(3, bundle.Conv2D{Outputs: 2, Channels: 2, Kernel: bundle.Both(1), Stride: one})),
			node("sum2", &bundle.Add{Weights: []int32{1, -1, 2}}, "conv3", "act2", "act1"),
			node("flat", &bundle.Reshape{Shape: []int{8}}),
			node("fc", dense(4, 3, 8)),
		),
		"windows of every kind": graphOf(t, []int{4, 5, 4}, 1, 1, 2,
			node("conv", conv(5, bundle.Conv2D{Outputs: 4, Channels: 4, Groups: 2, Kernel: bundle.Pair{2, 3}, Stride: bundle.Pair{2, 1}, Dilation: bundle.Pair{2, 1}, Padding: bundle.Sides{1, 0, 0, 2}}), "input"),
			node("act", step(14, 1)),
			node("pool", &bundle.SumPool{Kernel: bundle.Pair{2, 3}, Stride: bundle.Pair{1, 2}, Padding: bundle.Sides{0, 2, 1, 1}}),
			node("max", &bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(2), Padding: bundle.Sides{1, 0, 0, 1}}),
			node("flat", &bundle.Reshape{Shape: []int{8}}),
			node("fc", dense(6, 2, 8)),
		),
		"branches": graphOf(t, []int{2, 3, 2}, 2, 2, 3,
			node("left", &bundle.Slice{From: 0, To: 1}, "input"),
			node("right", &bundle.Slice{From: 1, To: 2}, "input"),
			node("table", tableFrom(-2, 2, -1, 0, 1), "left"),
			node("both", &bundle.Concat{}, "table", "right", "input"),
			node("maxima", &bundle.MaxPool{Kernel: bundle.Pair{3, 2}, Stride: one, Padding: bundle.Sides{0, 0, 0, 1}}),
			node("flat", &bundle.Reshape{Shape: []int{8}}),
			node("half", &bundle.Shift{Bits: 1}),
			node("fc", dense(7, 3, 8)),
		),
		"products": graphOf(t, []int{6}, 2, 1, 6,
			node("a", dense(8, 3, 6), "input"),
			node("t", step(12, 3)),
			node("b", &bundle.Slice{From: 2, To: 5}, "input"),
			node("ab", &bundle.Mul{}, "t", "b"),
			node("rounded", &bundle.Mul{Shift: 2}, "t", "b"),
			node("square", &bundle.Mul{Shift: 1}, "b", "b"),
			node("sum", &bundle.Add{Weights: []int32{1, 1}}, "ab", "square"),
			node("constant", &bundle.Dense{Units: 3, Inputs: 3, Weight: make([]int32, 9), Bias: bundle.Vec{Small: []int64{2, 0, -3}}}, "b"),
			node("times", &bundle.Mul{Shift: 1}, "constant", "b"),
			node("exactly", &bundle.Mul{}, "times", "constant"),
			node("cube", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 0, 0, 1}}}}, "b"),
			node("all", &bundle.Add{Weights: []int32{1, 1, 1, 1}}, "sum", "exactly", "cube", "constant"),
			node("out", &bundle.Concat{}, "all", "rounded"),
		),
	}
}

// Graphs are exact under encryption, and no look-up has a decryption failure.
func TestInsecureGraphsAreExact(t *testing.T) {
	for name, p := range graphs(t) {
		t.Run(name, func(t *testing.T) {
			l := graphLiteral()
			plan, err := NewPlan(t.Context(), p, Options{Parameters: &l, AllowInsecure: true})
			if err != nil {
				t.Fatal(err)
			}
			samples := randomSamples(seeded(8), 4, plan.program)
			r, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
			if err != nil {
				t.Fatal(err)
			}
			bundletest.CheckExact(t, p, samples, hetest.Exact(t, r))
			k, seconds := hetest.Account[*he.Lookups](t, r), hetest.Account[he.NodeSeconds](t, r)
			if k.Missed != 0 || k.Done != (plan.Lookups()+plan.last().n)*len(samples) || len(seconds) != len(p.Nodes) {
				t.Errorf("%d look-ups of %d, %d missed, seconds of %d nodes of %d", k.Done, plan.Lookups(), k.Missed, len(seconds), len(p.Nodes))
			}
			s, err := plan.Simulate(context.Background(), samples, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			bundletest.CheckExact(t, p, samples, s.Answers)
		})
	}
}

// graphLiteral is quick, not secure, and has messages for domains of some 8 bits.
func graphLiteral() ParametersLiteral {
	return ParametersLiteral{LogN: 11, LogQ: 50, Ring: [2]Digits{{20, 1}, {15, 2}}, Group: 2, Dimension: 16, LogSmallQ: 24, Switch: Digits{4, 5}}
}

// A tensor with itself is one look-up, two tensors are two, and a maximum of four
// places is three.
func TestLookupsOfGraphs(t *testing.T) {
	for name, c := range map[string]struct {
		nodes  []bundle.Node
		labels int
		want   int
	}{
		"square":   {[]bundle.Node{node("x", &bundle.Mul{}, "input", "input"), node("flat", &bundle.Reshape{Shape: []int{16}})}, 16, 16},
		"shift":    {[]bundle.Node{node("x", &bundle.Shift{Bits: 1}), node("flat", &bundle.Reshape{Shape: []int{16}})}, 16, 16},
		"maximum":  {[]bundle.Node{node("x", &bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}), node("flat", &bundle.Reshape{Shape: []int{4}})}, 4, 12},
		"products": {[]bundle.Node{node("table", tableFrom(0, 1, 0, 1, 3)), node("x", &bundle.Mul{}, "table", "input"), node("flat", &bundle.Reshape{Shape: []int{16}})}, 16, 48},
		"linear":   {[]bundle.Node{node("x", &bundle.Add{Weights: []int32{1, 1}}, "input", "input"), node("flat", &bundle.Reshape{Shape: []int{16}})}, 16, 0},
	} {
		layers, err := lower(t.Context(), graphOf(t, []int{1, 4, 4}, 2, 0, c.labels, c.nodes...))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := lookups(layers); got != c.want {
			t.Errorf("%s: %d look-ups, want %d", name, got, c.want)
		}
	}
}

// Every block of values goes once, after its last reader.
func TestReleases(t *testing.T) {
	for name, p := range graphs(t) {
		layers, err := lower(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		gone, early := map[int]bool{}, 0
		free := releases(layers)
		for i := range layers {
			l := &layers[i]
			for o := range l.n {
				l.each(o, func(v int, _ int32) {
					if gone[v] {
						t.Errorf("%s: layer %q reads value %d, which is gone", name, l.name, v)
					}
				})
			}
			for _, b := range free[i] {
				for v := b.from; v < b.to; v++ {
					if gone[v] || v >= l.first+l.n {
						t.Errorf("%s: value %d goes twice, or before it is made", name, v)
					}
					gone[v] = true
				}
				if i+1 < len(layers) {
					early++
				}
			}
		}
		if len(gone) != layers[len(layers)-1].first || early == 0 && len(layers) > 2 {
			t.Errorf("%s: %d values of %d are gone, %d blocks early", name, len(gone), layers[len(layers)-1].first, early)
		}
	}
}

// What no parameters carry is refused by the name of the layer, before any key.
func TestGraphsAreRefused(t *testing.T) {
	pool := &bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}
	thousand := tableFrom(0, 0, 1, 2000, 3000)
	for name, c := range map[string]struct {
		op     bundle.Op
		inputs []string
		want   string
	}{
		"square":     {&bundle.Mul{}, []string{"wide", "wide"}, `layer "last": element 0: its table would have 8001 entries`},
		"product":    {&bundle.Mul{}, []string{"wide", "other"}, `layer "last": element 0: its table would have`},
		"maximum":    {pool, []string{"wide"}, `element 0: its table would have 16001 entries`},
		"polynomial": {bundle.Square(), []string{"wide"}, `layer "last": element 0: its table would have 8001 entries`},
		"noise":      {bundle.Square(), []string{"other"}, `layer "last": message space 6000, 16 outputs`},
	} {
		n := 16
		if c.op == pool {
			n = 4
		}
		p := graphOf(t, []int{1, 4, 4}, 2, 0, n+32,
			node("other", thousand, "input"), node("wide", tableFrom(0, 5000, 1, 2, -3000), "input"),
			node("last", c.op, c.inputs...), node("flat", &bundle.Reshape{Shape: []int{n}}),
			node("flat1", &bundle.Reshape{Shape: []int{16}}, "other"), node("flat2", &bundle.Reshape{Shape: []int{16}}, "wide"),
			node("out", &bundle.Concat{}, "flat", "flat1", "flat2"))
		_, err := NewPlan(t.Context(), p, Options{})
		if !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A context that is done ends planning, and an evaluation between look-ups.
func TestInsecureGraphsAreCancelled(t *testing.T) {
	p := graphs(t)["residual"]
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewPlan(done, p, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("planning: %v", err)
	}
	plan := forced(t, p, graphLiteral())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := NewExecutor(p, plan).Run(ctx, randomSamples(seeded(1), 50, plan.program), func(s he.Step) {
		if s.Phase == "evaluate" && s.Done > 20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("evaluating: %v, %v", r, err)
	}
}

// Composed maps add up the weights of one input, and are refused where a weight passes
// 32 bits; composing ends with the context.
func TestCompose(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x := identity(3, 2)
	sum, err := compose(ctx, (&bundle.Add{Weights: []int32{2, -5}}).Rows([]int{2}, []int{2}), concatenate([]*bundle.Rows{x, x}))
	if err != nil {
		t.Fatal(err)
	}
	for o := range 2 {
		if in, w := sum.Row(o); len(in) != 1 || in[0] != int32(3+o) || w[0] != -3 {
			t.Errorf("row %d: inputs %v with the weights %v", o, in, w)
		}
	}
	large := diagonal(constant([]int64{1 << 20, 1}))
	if _, err := compose(ctx, large, large); !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), "composed weight 1099511627776 of output 0") {
		t.Errorf("large weights: %v", err)
	}
	cancel()
	if _, err := compose(ctx, x, x); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
