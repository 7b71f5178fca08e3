package qat

import (
	"math"
	"math/rand/v2"
	"testing"

	"qtool/calibrate"
	"qtool/model"
	"qtool/quant"
)

// The graph's weight quantizer is the model's, to the bit, clamped weights, one
// scale or many, and factors of input channels included.
func TestWeightsAreTheModels(t *testing.T) {
	n := &model.Network{Input: []int{1, 9, 9}, Layers: []model.Layer{
		{Type: model.Conv, Name: "conv", Channels: 3, Kernel: model.Both(3)},
		{Type: model.Square, Name: "square"},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc", Units: 7},
	}}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	folded := 0
	for _, perChannel := range []bool{false, true} {
		q := &model.Quantized{
			Network: n, Params: p.Clone(), Input: quant.Params{Scale: 1.0 / 15, Bits: 4},
			Weights: []model.WeightQuantizer{{Layer: "conv", Bits: 4}, {Layer: "fc", Bits: 3}},
		}
		if _, err := q.Calibrate(calibrate.WeightConfig{Bits: 4, PerChannel: perChannel}.Observer(), false); err != nil {
			t.Fatal(err)
		}
		z, err := New(q)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 1))
		for _, i := range []int{0, 3} {
			w, b := q.Params.Of(n.Layers[i].Name)
			x, dy := make([]float32, len(w)), make([]float32, len(w))
			for k := range x {
				x[k], dy[k] = w[k]*float32(r.NormFloat64()*2), float32(r.NormFloat64())
			}
			x[0], x[1], x[2] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
			if z.scaling[i].Fold != nil {
				folded++
			}
			k := z.weights(i, len(b), nil)
			got, want := make([]float32, len(w)), make([]float32, len(w))
			compare := func(what string) {
				t.Helper()
				for k := range got {
					if math.Float32bits(got[k]) != math.Float32bits(want[k]) {
						t.Fatalf("layer %d, per channel %v: %s of %v is %v, the model's %v", i, perChannel, what, x[k], got[k], want[k])
					}
				}
			}
			k.Codes(got, x)
			z.scaling[i].WeightCodes(want, x, len(b))
			compare("code")
			k.Grad(got, x, dy)
			z.scaling[i].WeightSlopes(want, x, len(b))
			for k, g := range dy {
				want[k] *= g
			}
			compare("gradient")
			got, want = make([]float32, len(z.q.Weights[min(i, 1)].Scales)), make([]float32, len(z.q.Weights[min(i, 1)].Scales))
			k.ScaleGradient(got, x, dy)
			z.scaling[i].ScaleGradient(want, x, dy, len(b))
			compare("gradient of the scale")
		}
	}
	if folded != 1 {
		t.Errorf("%d layers with factors, want 1", folded)
	}
}
