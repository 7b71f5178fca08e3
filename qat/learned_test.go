package qat_test

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/model"
	"qtool/qat"
	"qtool/quant"
	"qtool/train"
)

// quantizedTables is a quantized table network of which all scales are learned.
func quantizedTables(t *testing.T) *qat.Quantizer {
	t.Helper()
	n := network(model.Tanh)
	q := quantized(t, n)
	q.Input.ZeroPoint = 3
	q.Weights[0].Scales, q.Weights[1].Scales = []float32{0.05, 0.06, 0.07}, []float32{0.125}
	q.Activations = []model.ActivationQuantizer{{Layer: "act", Params: quant.Params{Scale: 0.25, ZeroPoint: 4, Bits: 3}}}
	z, err := qat.Training(q, qat.Options{Input: true, WeightScales: true, Activations: true})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Whatever the optimiser makes of the learned scales, the graph that was built
// before computes with them: input, weights and tables.
func TestGraphFollowsLearnedScales(t *testing.T) {
	z := quantizedTables(t)
	g := G.NewGraph()
	constant := func(name string, shape []int, data []float32) *G.Node {
		d := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
		return G.NewTensor(g, tensor.Float32, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(d))
	}
	scales := train.Scales{}
	for _, s := range z.Scales() {
		scales[s.Name] = constant(s.Name, s.Shape, s.Data)
	}
	if len(scales) != 4 {
		t.Fatalf("%d learned scales, want the input's, two layers' and the activation's", len(scales))
	}
	pixels, accumulators := make([]float32, 25), make([]float32, 27)
	for i := range pixels {
		pixels[i] = float32(i) / 24
	}
	for i := range accumulators {
		accumulators[i] = float32(7*i - 90)
	}
	image, err := z.Input(constant("input", []int{1, 5, 5, 1}, pixels), scales)
	if err != nil {
		t.Fatal(err)
	}
	weight, bias := z.Quantized().Params.Of("conv")
	w, b, err := z.Weights(0, constant("w", []int{3, 1, 3, 3}, weight), constant("b", []int{3}, bias), scales)
	if err != nil || b != nil {
		t.Fatalf("bias %v before a table, %v", b, err)
	}
	table, err := z.Table(1, constant("acc", []int{3, 3, 3, 1}, accumulators), nil, false, scales)
	if err != nil {
		t.Fatal(err)
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	var before [][]float32
	for round := range 3 {
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		q := z.Quantized()
		scaling, err := q.Scaling()
		if err != nil {
			t.Fatal(err)
		}
		want := [][]float32{make([]float32, 25), make([]float32, 27), make([]float32, 27)}
		q.Input.Codes(want[0], pixels)
		scaling[0].WeightCodes(want[1], weight, 3)
		for i, a := range accumulators {
			want[2][i] = scaling[1].TableCode(q.Network.Layers[1], i/9, float64(a))
		}
		for k, n := range []*G.Node{image, w, table} {
			if got := n.Value().Data().([]float32); !slices.Equal(got, want[k]) {
				t.Errorf("round %d, %v: codes\n%v, want\n%v", round, n, got, want[k])
			}
			if round > 0 && slices.Equal(want[k], before[k]) {
				t.Errorf("round %d, %v: the scales moved, the codes did not: this shows nothing", round, n)
			}
		}
		before = want
		for _, s := range z.Scales() {
			for k := range s.Data {
				s.Data[k] *= 1.3
			}
		}
		if err := z.Refresh(q.Params); err != nil {
			t.Fatal(err)
		}
	}
}

// A scale stays a positive number, whatever step is taken.
func TestLearnedScalesStayPositive(t *testing.T) {
	z := quantizedTables(t)
	for _, s := range z.Scales() {
		for k := range s.Data {
			s.Data[k] = -1
		}
	}
	if err := z.Refresh(z.Quantized().Params); err != nil {
		t.Fatal(err)
	}
	q := z.Quantized()
	for _, s := range []float32{q.Input.Scale, q.Weights[0].Scales[2], q.Weights[1].Scales[0], q.Activations[0].Params.Scale} {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			t.Errorf("scale %v", s)
		}
	}
}
