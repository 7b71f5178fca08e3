package bgv

import (
	"fmt"

	"qtool/bundle"
)

// carried is what the exact batch executor carries: graphs of linear maps, polynomials
// and products.
var carried = bundle.Support{Backend: "bgv", Graphs: true, Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial, bundle.KindReshape,
	bundle.KindAdd, bundle.KindMul, bundle.KindConcat, bundle.KindSlice,
}}

// checkCarried returns an error that names the first layer of p that the executor does
// not carry. A Mul with a Shift rounds, which residues modulo a plaintext prime cannot.
func checkCarried(p *bundle.Program) error {
	if err := carried.Check(p); err != nil {
		return err
	}
	for i := range p.Nodes {
		if m, ok := p.Nodes[i].Op.(*bundle.Mul); ok && m.Shift > 0 {
			return &bundle.UnsupportedError{
				Backend: carried.Backend, Layer: p.Nodes[i].Name, Kind: p.Nodes[i].Kind(),
				Why: fmt.Sprintf(" with a shift of %d: this back end rounds nothing, want 0", m.Shift),
			}
		}
	}
	return nil
}
