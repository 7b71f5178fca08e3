package op

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// array is a row-major tensor of a test.
type array struct {
	Shape []int
	Data  []float32
}

// sixteenths draws multiples of 1/16 in [-1.5, 1.5]. Their sums and products
// stay exact in float32, so linear operations can be compared exactly.
func sixteenths(r *rand.Rand, shape ...int) array {
	a := array{shape, make([]float32, tensor.Shape(shape).TotalSize())}
	for i := range a.Data {
		a.Data[i] = float32(r.IntN(49)-24) / 16
	}
	return a
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// builder makes the operation under test.
type builder func(in []*G.Node) (*G.Node, error)

// harness runs an operation in a graph of its own whose scalar loss is
// sum(upstream * output), with the gradients of the inputs named in wrt.
type harness struct {
	t        *testing.T
	in       []*tensor.Dense
	inNodes  G.Nodes
	wrt      []int
	out      *G.Node
	upstream *tensor.Dense
	vm       G.VM
}

func newHarness(t *testing.T, build builder, in []array, wrt ...int) *harness {
	t.Helper()
	h := &harness{t: t, wrt: wrt}
	g := G.NewGraph()
	for i, a := range in {
		d := tensor.New(tensor.WithShape(a.Shape...), tensor.WithBacking(append([]float32(nil), a.Data...)))
		h.in = append(h.in, d)
		h.inNodes = append(h.inNodes, G.NewTensor(g, tensor.Float32, len(a.Shape), G.WithShape(a.Shape...), G.WithValue(d), G.WithName(fmt.Sprint("in", i))))
	}
	var err error
	if h.out, err = build(h.inNodes); err != nil {
		t.Fatal(err)
	}
	loss := h.out
	if !h.out.IsScalar() {
		u := sixteenths(newRand(), h.out.Shape().Clone()...)
		h.upstream = tensor.New(tensor.WithShape(u.Shape...), tensor.WithBacking(u.Data))
		node := G.NewTensor(g, tensor.Float32, len(u.Shape), G.WithShape(u.Shape...), G.WithValue(h.upstream), G.WithName("upstream"))
		if loss, err = weightedSum(h.out, node); err != nil {
			t.Fatal(err)
		}
	}
	var nodes G.Nodes
	for _, i := range wrt {
		nodes = append(nodes, h.inNodes[i])
	}
	if len(nodes) > 0 {
		if _, err := G.Grad(loss, nodes...); err != nil {
			t.Fatal(err)
		}
	}
	h.vm = G.NewTapeMachine(g)
	t.Cleanup(func() { h.vm.Close() })
	return h
}

// weightedSum is the scalar sum(x*u); its gradient flows to x alone.
func weightedSum(x, u *G.Node) (*G.Node, error) {
	shape := x.Shape().Clone()
	grad := func(in G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "weighted-sum-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			for i, u := range v[0] {
				dx[i] = u * v[1][0]
			}
		}}, in[1], dy)
	}
	return apply(operation{name: "weighted-sum", diff: gradients{grad, nil}, run: func(y []float32, v [][]float32) {
		s := 0.0
		for i, x := range v[0] {
			s += float64(x) * float64(v[1][i])
		}
		y[0] = float32(s)
	}}, x, u)
}

func (h *harness) run() {
	h.t.Helper()
	h.vm.Reset()
	if err := h.vm.RunAll(); err != nil {
		h.t.Fatal(err)
	}
}

// output runs the graph and returns a copy of the output.
func (h *harness) output() []float32 {
	h.t.Helper()
	h.run()
	if h.out.IsScalar() {
		return []float32{h.out.Value().Data().(float32)}
	}
	return append([]float32(nil), h.out.Value().Data().([]float32)...)
}

// gradient runs the graph and returns a copy of input i's gradient.
func (h *harness) gradient(i int) []float32 {
	h.t.Helper()
	h.run()
	v, err := h.inNodes[i].Grad()
	if err != nil {
		h.t.Fatal(err)
	}
	return append([]float32(nil), v.Data().([]float32)...)
}

// difference is the central finite difference (L(x+step) - L(x-step)) / (2 step)
// of element k of input i, with the loss summed in float64.
func (h *harness) difference(i, k int, step float32) float64 {
	h.t.Helper()
	x := h.in[i].Data().([]float32)
	keep := x[k]
	x[k] = keep + step
	above := h.output()
	x[k] = keep - step
	below := h.output()
	x[k] = keep
	d := 0.0
	for j := range above {
		u := 1.0
		if h.upstream != nil {
			u = float64(h.upstream.Data().([]float32)[j])
		}
		d += u * (float64(above[j]) - float64(below[j]))
	}
	return d / (2 * float64(step))
}

// check compares every gradient with finite differences.
func (h *harness) check(step float32, tolerance float64) {
	h.t.Helper()
	for _, i := range h.wrt {
		for k, got := range h.gradient(i) {
			want := h.difference(i, k, step)
			if !(math.Abs(float64(got)-want) <= tolerance) {
				h.t.Errorf("gradient of input %d at %d is %v, finite difference %v", i, k, got, want)
			}
		}
	}
}

func wantExactly(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	wantNear(t, what, got, want, 0)
}

// wantNear wants |got-want| <= relative * max(1, |want|).
func wantNear(t *testing.T, what string, got []float32, want []float64, relative float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i])-want[i]) <= relative*math.Max(1, math.Abs(want[i]))) {
			t.Errorf("%s at %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
