package pipeline

import (
	"errors"
	"testing"

	"qtool/bundle"
	"qtool/export"
	"qtool/model"
	"qtool/quant"
)

// A bundle that is sound in itself but not its checkpoint's is refused.
func TestAnotherProgramIsRefused(t *testing.T) {
	n := &model.Network{Input: []int{3}, Layers: []model.Layer{{Type: model.Dense, Name: "fc", Units: 2}}}
	params, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	c := &model.Checkpoint{Network: n, Params: params, Quantizers: &model.Quantizers{
		Input:   quant.Params{Scale: 0.25, Bits: 2},
		Weights: []model.WeightQuantizer{{Layer: "fc", Bits: 4, Scales: []float32{0.1}}},
	}}
	q, err := c.Quantized()
	if err != nil {
		t.Fatal(err)
	}
	p, err := export.Program(q, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	p.Nodes[0].Seen = p.Nodes[0].Range
	f := &bundle.File{Program: p}
	if err := sameBundle(f, c); err != nil {
		t.Errorf("its own bundle: %v", err)
	}
	p.Nodes[0].Op.(*bundle.Dense).Weight[0]++
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	p.Nodes[0].Seen = p.Nodes[0].Range
	if err := sameBundle(f, c); !errors.Is(err, bundle.ErrAltered) {
		t.Errorf("another weight: error %v, want %v", err, bundle.ErrAltered)
	}
}
