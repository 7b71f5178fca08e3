package packed

import (
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
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

// small begins a graph with an input of 3 bits, 0 to 7 at scale 1, and small random
// weights.
func small(seed uint64, shape ...int) *bundletest.Wiring {
	w := bundletest.Wire(3, 0, shape...)
	w.Largest, w.LargestBias, w.Random = 3, 10, rand.New(rand.NewPCG(seed, 1))
	return w
}

// observed is a graph with so many outputs, with the ranges that its samples show.
func observed(t testing.TB, w *bundletest.Wiring, outputs int) network {
	t.Helper()
	p := w.Done(t, outputs)
	samples := bundletest.Samples(p, 16)
	if err := bundletest.Observe(p, samples); err != nil {
		t.Fatal(err)
	}
	return network{p, samples}
}

// graphs meet every way in which tensors branch and join: skips of activations, of
// linear maps and of the input; sums of classes that two maps read; products, alone,
// behind pools and at the end; concatenations and slices; windows of every kind; linear
// polynomials; sums over channels of different polynomials; weights too wide to fuse.
func graphs(t testing.TB) map[string]network {
	return map[string]network{
		"residual": observed(t, small(1, 1, 8, 8).
			ConvOf("stem", "input", 3, bundle.Both(3), bundletest.KeepSize).SquareOf("x", "stem").
			ConvOf("a", "x", 3, bundle.Both(3), bundletest.KeepSize).SquareOf("a2", "a").ConvOf("b", "a2", 3, bundle.Both(1), nil).
			SumOf("join", "b", "x").SquareOf("y", "join").PoolOf("pool", "y").DenseOf("out", "pool", 3), 3),
		"two linear skips": observed(t, small(2, 1, 9, 9).
			ConvOf("stem", "input", 2, bundle.Both(3), func(c *bundle.Conv2D) { c.Stride = bundle.Both(2) }).
			ConvOf("a", "stem", 3, bundle.Both(3), bundletest.KeepSize).SquareOf("a2", "a").ConvOf("b", "a2", 2, bundle.Both(1), nil).
			SumOf("join", "b", "stem").
			ConvOf("down", "join", 3, bundle.Both(2), func(c *bundle.Conv2D) { c.Stride = bundle.Both(2) }).
			ConvOf("c", "down", 4, bundle.Both(3), bundletest.KeepSize).SquareOf("c2", "c").ConvOf("d", "c2", 3, bundle.Both(1), nil).
			SumOf("second", "d", "down").DenseOf("out", "second", 3), 3),
		"input skip": observed(t, small(3, 9).
			DenseOf("a", "input", 9).SquareOf("a2", "a").SumOf("join", "a2", "input").
			DenseOf("b", "join", 6).SquareOf("b2", "b").Add("all", &bundle.Concat{}, "b2", "input", "a2").DenseOf("out", "all", 3), 3),
		"pool of two readers": observed(t, small(4, 1, 8, 8).
			ConvOf("stem", "input", 2, bundle.Both(3), bundletest.KeepSize).SquareOf("x", "stem").PoolOf("pool", "x").
			ConvOf("a", "pool", 2, bundle.Both(3), bundletest.KeepSize).SquareOf("a2", "a").SumOf("join", "a2", "pool").DenseOf("out", "join", 3), 3),
		"product": observed(t, small(5, 1, 8, 8).
			ConvOf("a", "input", 2, bundle.Both(3), bundletest.KeepSize).ConvOf("b", "input", 2, bundle.Both(3), bundletest.KeepSize).
			Add("ab", &bundle.Mul{}, "a", "b").PoolOf("pool", "ab").
			ConvOf("c", "pool", 3, bundle.Both(2), nil).SquareOf("c2", "c").DenseOf("out", "c2", 3), 3),
		"products at the end": observed(t, small(6, 12).
			DenseOf("a", "input", 5).SquareOf("a2", "a").DenseOf("b", "input", 5).Add("ab", &bundle.Mul{}, "a2", "b").
			Add("aab", &bundle.Mul{}, "ab", "a"), 5),
		"product with itself": observed(t, small(7, 10).
			DenseOf("a", "input", 5).Add("aa", &bundle.Mul{}, "a", "a").DenseOf("out", "aa", 3), 3),
		"concat and slice": observed(t, small(8, 2, 7, 7).
			ConvOf("a", "input", 2, bundle.Both(3), bundletest.KeepSize).SquareOf("a2", "a").
			ConvOf("b", "input", 3, bundle.Pair{1, 3}, func(c *bundle.Conv2D) { c.Padding = bundle.Sides{0, 1, 0, 1} }).SquareOf("b2", "b").
			Add("all", &bundle.Concat{}, "a2", "input", "b2").Add("some", &bundle.Slice{From: 1, To: 6}, "all").
			ConvOf("c", "some", 2, bundle.Both(3), nil).SquareOf("c2", "c").DenseOf("out", "c2", 3), 3),
		"windows": observed(t, small(9, 4, 9, 7).
			ConvOf("a", "input", 6, bundle.Pair{3, 2}, func(c *bundle.Conv2D) {
				c.Stride, c.Dilation, c.Padding, c.Groups = bundle.Pair{2, 1}, bundle.Pair{1, 2}, bundle.Sides{2, 0, 1, 1}, 2
			}).SquareOf("a2", "a").
			Add("pool", &bundle.SumPool{Kernel: bundle.Pair{2, 3}, Stride: bundle.Pair{1, 2}, Padding: bundle.Sides{0, 1, 1, 0}}, "a2").
			ConvOf("b", "pool", 6, bundle.Both(2), func(c *bundle.Conv2D) { c.Groups = 6 }).SquareOf("b2", "b").DenseOf("out", "b2", 3), 3),
		"linear polynomials": observed(t, small(10, 1, 8, 8).
			ConvOf("a", "input", 3, bundle.Both(3), bundletest.KeepSize).SquareOf("a2", "a").
			Add("times", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{5, 6}}, {Small: []int64{0, -7}}, {Small: []int64{-1, 9}}}}, "a").
			SumOf("join", "a2", "times").ConvOf("b", "join", 4, bundle.Both(3), nil).SquareOf("b2", "b").DenseOf("out", "b2", 3), 3),
		"channels under one sum": observed(t, small(12, 2, 3, 3).
			ConvOf("a", "input", 2, bundle.Both(2), nil).
			Add("polynomials", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 2, 3}}, {Small: []int64{0, -1, -2}}}}, "a").
			Add("flat", &bundle.Reshape{Shape: []int{8}}, "polynomials").
			Add("out", &bundle.Dense{Units: 2, Inputs: 8, Weight: []int32{1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1}, Bias: bundle.Vec{Small: []int64{0, 0}}}, "flat"), 2),
		"constant": observed(t, small(13, 4).
			Add("out", &bundle.Dense{Units: 2, Inputs: 4, Weight: make([]int32, 8), Bias: bundle.Vec{Small: []int64{5, -3}}}, "input"), 2),
		"too wide to fuse": observed(t, small(11, 10).
			DenseOf("a", "input", 6).SquareOf("a2", "a").
			Add("w", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 1 << 40}}}}, "a2").
			Add("ww", &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 1<<39 + 1}}}}, "w").
			DenseOf("out", "ww", 3), 3),
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
