package qat_test

import (
	"reflect"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/export"
	"qtool/model"
	"qtool/qat"
	"qtool/quant"
)

func network(activation model.Kind) *model.Network {
	return &model.Network{Input: []int{1, 5, 5}, Layers: []model.Layer{
		{Type: model.Conv, Name: "conv", Channels: 3, Kernel: model.Both(3)},
		{Type: activation, Name: "act"},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc", Units: 4},
	}}
}

func quantized(t *testing.T, n *model.Network) *model.Quantized {
	t.Helper()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	return &model.Quantized{
		Network: n, Params: p, Input: quant.Params{Scale: 1.0 / 15, Bits: 4},
		Weights: []model.WeightQuantizer{{Layer: "conv", Bits: 4}, {Layer: "fc", Bits: 3}},
	}
}

func observing(t *testing.T, perChannel bool) *qat.Quantizer {
	t.Helper()
	z, err := qat.Training(quantized(t, network(model.Square)), qat.Options{Weights: calibrate.WeightConfig{Bits: 4, PerChannel: perChannel}.Observer()})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// graphCodes are the integers of layer i's weight and bias as the training graph
// computes them.
func graphCodes(t *testing.T, z *qat.Quantizer, i int) (w, b []float32) {
	t.Helper()
	g := G.NewGraph()
	var nodes []*G.Node
	for _, s := range z.Quantized().Params {
		if strings.HasPrefix(s.Name, z.Quantized().Network.Layers[i].Name+".") {
			d := tensor.New(tensor.WithShape(s.Shape...), tensor.WithBacking(s.Data))
			nodes = append(nodes, G.NewTensor(g, tensor.Float32, len(s.Shape), G.WithShape(s.Shape...), G.WithName(s.Name), G.WithValue(d)))
		}
	}
	wn, bn, err := z.Weights(i, nodes[0], nodes[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	return wn.Value().Data().([]float32), bn.Value().Data().([]float32)
}

// The exported integers are the very codes of the training graph.
func TestExportedIntegersAreTheGraphs(t *testing.T) {
	for _, perChannel := range []bool{false, true} {
		z := observing(t, perChannel)
		p, err := export.Program(z.Quantized(), make([]string, 4))
		if err != nil {
			t.Fatal(err)
		}
		conv, fc := p.Nodes[0].Op.(*bundle.Conv2D), p.Nodes[3].Op.(*bundle.Dense)
		for _, c := range []struct {
			layer  int
			weight []int32
			bias   bundle.Vec
		}{{0, conv.Weight, conv.Bias}, {3, fc.Weight, fc.Bias}} {
			w, b := graphCodes(t, z, c.layer)
			if len(w) != len(c.weight) || len(b) != c.bias.Len() {
				t.Fatalf("%d weights and %d biases in the graph, %d and %d exported", len(w), len(b), len(c.weight), c.bias.Len())
			}
			for k := range w {
				if w[k] != float32(c.weight[k]) {
					t.Errorf("per channel %v, layer %d: weight %v in the graph, %d exported", perChannel, c.layer, w[k], c.weight[k])
				}
			}
			for o := range b {
				if float64(b[o]) != c.bias.Float(o) {
					t.Errorf("per channel %v, layer %d: bias %v in the graph, %v exported", perChannel, c.layer, b[o], c.bias.At(o))
				}
			}
		}
	}
}

// Observing scales follow the weights; New's stay.
func TestRefresh(t *testing.T) {
	z := observing(t, false)
	scale := z.Quantized().Weights[0].Scales[0]
	doubled := z.Quantized().Params.Clone()
	for i := range doubled[0].Data {
		doubled[0].Data[i] *= 2
	}
	if err := z.Refresh(doubled); err != nil {
		t.Fatal(err)
	}
	if got := z.Quantized().Weights[0].Scales[0]; got != 2*scale {
		t.Errorf("scale %v of doubled weights, was %v", got, scale)
	}
	fixed, err := qat.New(z.Quantized())
	if err != nil {
		t.Fatal(err)
	}
	for i := range doubled[0].Data {
		doubled[0].Data[i] *= 2
	}
	if err := fixed.Refresh(doubled); err != nil {
		t.Fatal(err)
	}
	if got := fixed.Quantized().Weights[0].Scales[0]; got != 2*scale {
		t.Errorf("a fixed scale moved from %v to %v", 2*scale, got)
	}
}

// A layer's polynomial is the exported one.
func TestCoefficients(t *testing.T) {
	n := network(model.Polynomial)
	n.Layers[1].Coefficients = []float64{0.1, 0.5, 0.25}
	z, err := qat.Training(quantized(t, n), qat.Options{Weights: calibrate.WeightConfig{Bits: 4, PerChannel: true}.Observer()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := export.Program(z.Quantized(), make([]string, 4))
	if err != nil {
		t.Fatal(err)
	}
	var got []bundle.Vec
	for _, row := range z.Coefficients(1)() {
		var r []float64
		for _, c := range row {
			r = append(r, float64(c))
		}
		got = append(got, bundle.NewInts(r))
	}
	if want := p.Nodes[1].Op.(*bundle.Polynomial).Coeffs; len(want) != 3 || !reflect.DeepEqual(got, want) {
		t.Errorf("the graph's polynomials are %v, the program's %v", got, want)
	}
	if f := z.PoolFactor(0); f != 1 {
		t.Errorf("pools of integers are multiplied by %v", f)
	}
}

func TestTanhNeedsTable(t *testing.T) {
	_, err := qat.Training(quantized(t, network(model.Tanh)), qat.Options{Weights: calibrate.WeightConfig{Bits: 4}.Observer()})
	if err == nil || !strings.Contains(err.Error(), `layer "act" (tanh): needs a lookup table`) {
		t.Errorf("error %v", err)
	}
}
