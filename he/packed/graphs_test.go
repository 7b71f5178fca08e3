package packed

import (
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// network is a program of tests with samples for it.
type network struct {
	p       *bundle.Program
	samples []bundle.Sample
}

// networks are chains and graphs that meet every way of packing; see nets and graphs.
func networks(t testing.TB) map[string]network {
	all := graphs(t)
	for name, b := range nets() {
		all[name] = network{b.Observed(), b.Samples(16)}
	}
	return all
}

// graph is a program that is being made, node by node. Weights are random and small,
// and all scales 1.
type graph struct {
	t   testing.TB
	p   *bundle.Program
	rng *rand.Rand
}

// newGraph begins a program with an input of 3 bits, 0 to 7 at scale 1.
func newGraph(t testing.TB, seed uint64, shape ...int) *graph {
	q, err := quant.Affine(0, 7, 3)
	if err != nil {
		t.Fatal(err)
	}
	return &graph{t, &bundle.Program{Input: bundle.Input{Shape: shape, Quantizer: q}}, rand.New(rand.NewPCG(seed, 1))}
}

// shape is a tensor's, by its name.
func (g *graph) shape(name string) []int {
	if name == bundle.InputName {
		return g.p.Input.Shape
	}
	for i := range g.p.Nodes {
		if g.p.Nodes[i].Name == name {
			return g.p.Nodes[i].Shape
		}
	}
	g.t.Fatalf("no tensor %q", name)
	return nil
}

// add appends a node.
func (g *graph) add(name string, op bundle.Op, from ...string) *graph {
	g.t.Helper()
	var in [][]int
	for _, f := range from {
		in = append(in, g.shape(f))
	}
	shape, err := op.OutShape(in...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	g.p.Nodes = append(g.p.Nodes, bundle.Node{Name: name, Op: op, Inputs: from, Shape: shape, Scale: []float64{1}, Bits: 4})
	return g
}

func (g *graph) weights(n int) []int32 {
	w := make([]int32, n)
	for i := range w {
		w[i] = int32(g.rng.IntN(7)) - 3
	}
	return w
}

func (g *graph) biases(n int) bundle.Vec {
	b := bundle.Vec{Small: make([]int64, n)}
	for i := range b.Small {
		b.Small[i] = int64(g.rng.IntN(21)) - 10
	}
	return b
}

// conv adds a convolution of a kernel; edit, if any, changes the rest.
func (g *graph) conv(name, from string, outputs int, kernel bundle.Pair, edit func(*bundle.Conv2D)) *graph {
	c := &bundle.Conv2D{Outputs: outputs, Channels: g.shape(from)[0], Kernel: kernel, Stride: bundle.Both(1)}
	if edit != nil {
		edit(c)
	}
	c.Weight, c.Bias = g.weights(outputs*c.Channels/max(1, c.Groups)*kernel[0]*kernel[1]), g.biases(outputs)
	return g.add(name, c, from)
}

// same keeps a picture's size with a kernel of 3.
func same(c *bundle.Conv2D) { c.Padding = bundle.Around(1) }

func (g *graph) square(name, from string) *graph { return g.add(name, bundle.Square(), from) }

func (g *graph) pool(name, from string) *graph {
	return g.add(name, &bundle.SumPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}, from)
}

func (g *graph) sum(name string, weights []int32, from ...string) *graph {
	return g.add(name, &bundle.Add{Weights: weights}, from...)
}

// dense adds a dense map, behind a reshape where the tensor is a picture.
func (g *graph) dense(name, from string, units int) *graph {
	n := bundle.Size(g.shape(from))
	if len(g.shape(from)) > 1 {
		g.add(name+" flat", &bundle.Reshape{Shape: []int{n}}, from)
		from = name + " flat"
	}
	return g.add(name, &bundle.Dense{Units: units, Inputs: n, Weight: g.weights(units * n), Bias: g.biases(units)}, from)
}

// network is the program with the ranges that its samples show.
func (g *graph) network() network {
	g.t.Helper()
	p := g.p
	p.Labels = make([]string, bundle.Size(p.Nodes[len(p.Nodes)-1].Shape))
	if err := p.Prove(); err != nil {
		g.t.Fatal(err)
	}
	bytes := make([][]uint8, 16)
	for i := range bytes {
		bytes[i] = make([]uint8, bundle.Size(p.Input.Shape))
		for k := range bytes[i] {
			bytes[i][k] = uint8(g.rng.UintN(256))
		}
	}
	samples := p.Input.Samples(bytes)
	run, err := bundle.NewRunner(p)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, sample := range samples {
		if _, err := run.Run(sample.Vec(), func(i int, v bundle.Vec) {
			if n := &p.Nodes[i]; n.Seen.Lo == nil {
				n.Seen = bundle.RangeOf(v)
			} else {
				n.Seen = n.Seen.Union(bundle.RangeOf(v))
			}
		}); err != nil {
			g.t.Fatal(err)
		}
	}
	return network{p, samples}
}

// graphs meet every way in which tensors branch and join: skips of activations, of
// linear maps and of the input; sums of classes that two maps read; products, alone,
// behind pools and at the end; concatenations and slices; windows of every kind; linear
// polynomials; sums over channels of different polynomials; weights too wide to fuse.
func graphs(t testing.TB) map[string]network {
	both := []int32{1, 1}
	return map[string]network{
		"residual": newGraph(t, 1, 1, 8, 8).
			conv("stem", "input", 3, bundle.Both(3), same).square("x", "stem").
			conv("a", "x", 3, bundle.Both(3), same).square("a2", "a").conv("b", "a2", 3, bundle.Both(1), nil).
			sum("join", both, "b", "x").square("y", "join").pool("pool", "y").dense("out", "pool", 3).network(),
		"two linear skips": newGraph(t, 2, 1, 9, 9).
			conv("stem", "input", 2, bundle.Both(3), func(c *bundle.Conv2D) { c.Stride = bundle.Both(2) }).
			conv("a", "stem", 3, bundle.Both(3), same).square("a2", "a").conv("b", "a2", 2, bundle.Both(1), nil).
			sum("join", both, "b", "stem").
			conv("down", "join", 3, bundle.Both(2), func(c *bundle.Conv2D) { c.Stride = bundle.Both(2) }).
			conv("c", "down", 4, bundle.Both(3), same).square("c2", "c").conv("d", "c2", 3, bundle.Both(1), nil).
			sum("second", both, "d", "down").dense("out", "second", 3).network(),
		"input skip": newGraph(t, 3, 9).
			dense("a", "input", 9).square("a2", "a").sum("join", both, "a2", "input").
			dense("b", "join", 6).square("b2", "b").add("all", &bundle.Concat{}, "b2", "input", "a2").dense("out", "all", 3).network(),
		"pool of two readers": newGraph(t, 4, 1, 8, 8).
			conv("stem", "input", 2, bundle.Both(3), same).square("x", "stem").pool("pool", "x").
			conv("a", "pool", 2, bundle.Both(3), same).square("a2", "a").sum("join", both, "a2", "pool").dense("out", "join", 3).network(),
		"product": newGraph(t, 5, 1, 8, 8).
			conv("a", "input", 2, bundle.Both(3), same).conv("b", "input", 2, bundle.Both(3), same).
			add("ab", &bundle.Mul{}, "a", "b").pool("pool", "ab").
			conv("c", "pool", 3, bundle.Both(2), nil).square("c2", "c").dense("out", "c2", 3).network(),
		"products at the end": newGraph(t, 6, 12).
			dense("a", "input", 5).square("a2", "a").dense("b", "input", 5).add("ab", &bundle.Mul{}, "a2", "b").
			add("aab", &bundle.Mul{}, "ab", "a").network(),
		"product with itself": newGraph(t, 7, 10).
			dense("a", "input", 5).add("aa", &bundle.Mul{}, "a", "a").dense("out", "aa", 3).network(),
		"concat and slice": newGraph(t, 8, 2, 7, 7).
			conv("a", "input", 2, bundle.Both(3), same).square("a2", "a").
			conv("b", "input", 3, bundle.Pair{1, 3}, func(c *bundle.Conv2D) { c.Padding = bundle.Sides{0, 1, 0, 1} }).square("b2", "b").
			add("all", &bundle.Concat{}, "a2", "input", "b2").add("some", &bundle.Slice{From: 1, To: 6}, "all").
			conv("c", "some", 2, bundle.Both(3), nil).square("c2", "c").dense("out", "c2", 3).network(),
		"windows": newGraph(t, 9, 4, 9, 7).
			conv("a", "input", 6, bundle.Pair{3, 2}, func(c *bundle.Conv2D) {
				c.Stride, c.Dilation, c.Padding, c.Groups = bundle.Pair{2, 1}, bundle.Pair{1, 2}, bundle.Sides{2, 0, 1, 1}, 2
			}).square("a2", "a").
			add("pool", &bundle.SumPool{Kernel: bundle.Pair{2, 3}, Stride: bundle.Pair{1, 2}, Padding: bundle.Sides{0, 1, 1, 0}}, "a2").
			conv("b", "pool", 6, bundle.Both(2), func(c *bundle.Conv2D) { c.Groups = 6 }).square("b2", "b").dense("out", "b2", 3).network(),
		"linear polynomials": newGraph(t, 10, 1, 8, 8).
			conv("a", "input", 3, bundle.Both(3), same).square("a2", "a").
			add("times", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{5, 6}}, {Small: []int64{0, -7}}, {Small: []int64{-1, 9}}}}, "a").
			sum("join", both, "a2", "times").conv("b", "join", 4, bundle.Both(3), nil).square("b2", "b").dense("out", "b2", 3).network(),
		"channels under one sum": newGraph(t, 12, 2, 3, 3).
			conv("a", "input", 2, bundle.Both(2), nil).
			add("polynomials", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 2, 3}}, {Small: []int64{0, -1, -2}}}}, "a").
			add("flat", &bundle.Reshape{Shape: []int{8}}, "polynomials").
			add("out", &bundle.Dense{Units: 2, Inputs: 8, Weight: []int32{1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1}, Bias: bundle.Vec{Small: []int64{0, 0}}}, "flat").network(),
		"constant": newGraph(t, 13, 4).
			add("out", &bundle.Dense{Units: 2, Inputs: 4, Weight: make([]int32, 8), Bias: bundle.Vec{Small: []int64{5, -3}}}, "input").network(),
		"too wide to fuse": newGraph(t, 11, 10).
			dense("a", "input", 6).square("a2", "a").
			add("w", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 1 << 40}}}}, "a2").
			add("ww", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 1<<39 + 1}}}}, "w").
			dense("out", "ww", 3).network(),
	}
}

// A tensor that two maps read is made once where that takes no prime, and a map that is
// too wide is split at the price of one.
func TestCutsOfGraphs(t *testing.T) {
	all := graphs(t)
	for name, want := range map[string]struct{ stages, limbs int }{
		"two linear skips": {5, 6}, // two squares, the output, and both skips
		"too wide to fuse": {3, 5},
		"input skip":       {3, 6},
	} {
		plan, err := NewPlan(t.Context(), all[name].p, insecure(10))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(plan.lowered.Stages); got > want.stages || plan.lowered.Limbs != want.limbs {
			t.Errorf("%s: %d stages and %d limbs, want at most %d and %d", name, got, plan.lowered.Limbs, want.stages, want.limbs)
		}
	}
}
