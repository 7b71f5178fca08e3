package op

import (
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// runError runs a graph and wants its error to hold want.
func runError(t *testing.T, h *harness, want string) {
	t.Helper()
	h.vm.Reset()
	if err := h.vm.RunAll(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestKernelPanicIsAnError(t *testing.T) {
	count := 2
	runError(t, lossHarness(t, sixteenths(newRand(), 3, 2), []float32{1, 3}, &count), "op cross-entropy: ")
	rows := [][]float32{{0, 1}, {0, 1}}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		return Polynomial(v[0], func() [][]float32 { return rows })
	}, []array{sixteenths(newRand(), 3, 2)})
	runError(t, h, "op polynomial: one coefficient row or one a channel wanted")
}

// Two operations that differ only in what they close over stay two.
func TestNoMerging(t *testing.T) {
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		twice, err := Scale(v[0], func() []float64 { return []float64{2} })
		if err != nil {
			return nil, err
		}
		thrice, err := Scale(v[0], func() []float64 { return []float64{3} })
		if err != nil {
			return nil, err
		}
		return G.Sub(thrice, twice)
	}, []array{{[]int{1, 2}, []float32{5, 7}}}, 0)
	wantExactly(t, "3x - 2x", h.output(), []float64{5, 7})
	wantExactly(t, "its gradient", h.gradient(0), wide(h.upstream.Data().([]float32)))
}

// An input that feeds two operations gets the sum of their gradients, run after
// run.
func TestGradientsAddUp(t *testing.T) {
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		a, err := Polynomial(v[0], func() [][]float32 { return [][]float32{{0, 0, 1}} })
		if err != nil {
			return nil, err
		}
		b, err := Scale(v[0], func() []float64 { return []float64{4} })
		if err != nil {
			return nil, err
		}
		return G.Add(a, b)
	}, []array{sixteenths(newRand(), 2, 3)}, 0)
	for range 3 {
		h.check(1.0/16, 0)
		for i := range h.in[0].Data().([]float32) {
			h.in[0].Data().([]float32)[i] += 1.0 / 8
		}
	}
}

func TestShapesThatDoNotFit(t *testing.T) {
	g := G.NewGraph()
	node := func(shape ...int) *G.Node {
		return G.NewTensor(g, tensor.Float32, len(shape), G.WithShape(shape...), G.WithName("x"))
	}
	for name, build := range map[string]func() (*G.Node, error){
		"conv: kernel larger than input": func() (*G.Node, error) {
			return Conv2D(node(1, 3, 3, 1), node(1, 1, 4, 4), node(1), Square(4, 1, 0), true)
		},
		"conv: channels": func() (*G.Node, error) {
			return Conv2D(node(2, 3, 3, 1), node(1, 1, 3, 3), node(1), Square(3, 1, 0), true)
		},
		"conv: another kernel": func() (*G.Node, error) {
			return Conv2D(node(1, 3, 3, 1), node(1, 1, 2, 3), node(1), Square(3, 1, 0), true)
		},
		"conv: groups": func() (*G.Node, error) {
			w := Square(1, 1, 0)
			w.Groups = 2
			return Conv2D(node(2, 3, 3, 1), node(3, 1, 1, 1), node(3), w, true)
		},
		"maxpool: padding alone": func() (*G.Node, error) { return MaxPool(node(1, 3, 3, 1), Square(2, 1, 2)) },
		"add: shapes":            func() (*G.Node, error) { return Add([]*G.Node{node(3, 2), node(2, 2)}, nil, []bool{true, true}) },
		"mul: shapes":            func() (*G.Node, error) { return Mul(node(3, 2), node(2, 2), []bool{true, true}) },
		"concat: shapes": func() (*G.Node, error) {
			return Concat([]*G.Node{node(3, 2, 2), node(3, 3, 2)}, nil, []bool{true, true})
		},
		"conv: stride 0": func() (*G.Node, error) {
			return Conv2D(node(1, 3, 3, 1), node(1, 1, 3, 3), node(1), Square(3, 0, 0), true)
		},
		"conv: bias": func() (*G.Node, error) {
			return Conv2D(node(1, 3, 3, 1), node(1, 1, 3, 3), node(2), Square(3, 1, 0), true)
		},
		"conv: padding": func() (*G.Node, error) {
			return Conv2D(node(1, 3, 3, 1), node(1, 1, 3, 3), node(1), Square(3, 1, -1), true)
		},
		"conv: flat input":               func() (*G.Node, error) { return Conv2D(node(1, 9), node(1, 1, 3, 3), node(1), Square(3, 1, 0), true) },
		"pool: kernel larger than input": func() (*G.Node, error) { return Pool(node(1, 3, 3, 1), Square(4, 1, 0), 1) },
		"pool: kernel 0":                 func() (*G.Node, error) { return Pool(node(1, 3, 3, 1), Square(0, 1, 0), 1) },
		"pool: stride 0":                 func() (*G.Node, error) { return Pool(node(1, 3, 3, 1), Square(2, 0, 0), 1) },
		"dense: inputs":                  func() (*G.Node, error) { return Dense(node(3, 2), node(2, 4), node(2), true) },
		"dense: bias":                    func() (*G.Node, error) { return Dense(node(3, 2), node(2, 3), node(3), true) },
		"dense: image input":             func() (*G.Node, error) { return Dense(node(3, 1, 1, 2), node(2, 3), node(2), true) },
	} {
		if _, err := build(); err == nil || !strings.Contains(err.Error(), "do not fit") {
			t.Errorf("%s: error %v, want one with %q", name, err, "do not fit")
		}
	}
}
