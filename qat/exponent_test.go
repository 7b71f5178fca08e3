package qat

import (
	"math"
	"testing"

	"qtool/model"
	"qtool/quant"
)

// No tensor of a deep polynomial network passes float32 in the graph, at any
// number of bits. The largest integers are followed naively: each layer's weights
// all at the end of the grid, and a bias as large as the sum.
func TestExponentOffsetsHoldTheLargest(t *testing.T) {
	for _, bits := range []quant.BitWidth{1, 2, 4, 8, 16} {
		for squares := 1; squares <= 4; squares++ {
			n := &model.Network{Input: []int{784}}
			q := &model.Quantized{Network: n, Input: quant.Params{Scale: 1, Bits: 8}}
			add := func(l model.Layer) {
				if n.Layers = append(n.Layers, l); l.Weighted() {
					q.Weights = append(q.Weights, model.WeightQuantizer{Layer: l.Name, Bits: bits, Scales: []float32{1}})
				}
			}
			for k := range squares {
				add(model.Layer{Type: model.Dense, Name: string(rune('a' + k)), Units: 100})
				add(model.Layer{Type: model.Square, Name: string(rune('A' + k))})
			}
			add(model.Layer{Type: model.Dense, Name: "fc", Units: 10})
			sources, err := n.Sources()
			if err != nil {
				t.Fatal(err)
			}
			exponents, err := exponentOffsets(q, sources)
			if err != nil {
				t.Fatal(err)
			}
			largest, fanIn := 8.0, 784.0 // log2 of the integers
			for i, l := range n.Layers {
				if l.Weighted() {
					largest += math.Log2(2 * fanIn * float64(q.Weights[0].Params(0).QMax()))
					fanIn = float64(l.Units)
				} else {
					largest *= 2
				}
				if got := largest - float64(exponents[i+1]); got > 110 || exponents[i+1] > 0 && got < 0 {
					t.Errorf("%d bits, %d squares: layer %q holds up to 2^%.1f divided by 2^%d", bits, squares, l.Name, largest, exponents[i+1])
				}
			}
		}
	}
}
