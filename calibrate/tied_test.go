package calibrate

import (
	"math/rand/v2"
	"testing"

	"qtool/model"
	"qtool/quant"
)

// A layer whose scale is tied to a shortcut's scale keeps its bound too, whatever the
// weights and biases: between scales that fit there may be some that do not, as the
// bias becomes smaller where the weights stay as they are.
func TestBoundedTied(t *testing.T) {
	n := &model.Network{Input: []int{1, 4, 6}, Layers: []model.Layer{
		{Type: model.Flatten, Name: "flatten"},
		{Type: model.Dense, Name: "stem", Units: 16},
		{Type: model.ReLU, Name: "relu"},
		{Type: model.Dense, Name: "branch", Units: 16},
		{Type: model.Add, Name: "sum", From: []string{"branch", "stem"}},
		{Type: model.Dense, Name: "fc", Units: 2},
	}}
	limit := AccumulatorConfig{Bits: 6}
	var seen model.Observation
	minmax := WeightConfig{Bits: 3, Kind: "minmax"}.Observer()
	bounded := Bounded(minmax, func(layer string) AccumulatorConfig {
		if layer == "fc" {
			return AccumulatorConfig{}
		}
		return limit
	})
	observe := func(o model.Observation) ([]float32, error) {
		if o.Layer.Name == "branch" {
			seen = o
		}
		return bounded(o)
	}
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		p, err := n.Initialise(seed)
		if err != nil {
			t.Fatal(err)
		}
		// Equal weights lose a step all at once, and the bias that makes up for them many.
		weights, bias := p.Of("branch")
		for k := range weights {
			weights[k] = -0.3
		}
		for k := range bias {
			bias[k] = float32(6 * r.Float64())
		}
		q := &model.Quantized{Network: n, Params: p, Input: quant.Params{Scale: 1. / 3, Bits: 2}}
		for _, l := range n.Layers {
			if l.LookupTable() {
				q.Activations = append(q.Activations, model.ActivationQuantizer{Layer: l.Name, Params: quant.Params{Scale: 0.4, Bits: 2}})
			}
			if l.Weighted() {
				q.Weights = append(q.Weights, model.WeightQuantizer{Layer: l.Name, Bits: 3})
			}
		}
		if _, err := q.Calibrate(observe, true); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for k := range seen.Outputs {
			scales := q.Weights[1].Scales
			if scale := scales[k*len(scales)/seen.Outputs]; !naiveFits(seen, limit, k, scale) {
				t.Fatalf("seed %d: output %d leaves %d bits at scale %v", seed, k, limit.Bits, scale)
			}
		}
	}
}
