package tfhe

import (
	"testing"

	"qtool/bundle"
)

// SmallPlan and PrecisePlan are plans of small programs under insecure parameters, the
// second one's logits being residues. Samples are some of a program's.
var (
	SmallPlan = func(t testing.TB) (*bundle.Program, *Plan) {
		p := newNet(t, seeded(8), net{bits: 1, maxWeight: 1, table: sigmoid(1), widths: []int{6, 4, 2}})
		return p, insecurely(t, p, ParametersLiteral{LogN: 8, LogQ: 50, Ring: [2]Digits{{24, 1}, {24, 1}}, Group: 2, Dimension: 8, LogSmallQ: 20, Switch: Digits{4, 4}})
	}
	PrecisePlan = func(t testing.TB) (*bundle.Program, *Plan) {
		const input, first, second = 77, 901, 1013
		p := skips(t, input, first, second)
		p.Input.Quantizer.Scale = input // scales that meet in the sum
		for i := range p.Nodes {
			n := &p.Nodes[i]
			n.Scale = []float64{map[string]float64{"act1": first, "act2": second}[n.Name]}
			n.Scale[0] = max(n.Scale[0], 1)
		}
		return p, insecurely(t, p, ParametersLiteral{LogN: 8, LogQ: 58, Ring: [2]Digits{{18, 2}, {18, 3}}, Group: 2, Dimension: 8, LogSmallQ: 24, Switch: Digits{4, 5}})
	}
	Samples = randomSamples
	Seeded  = seeded
)

func insecurely(t testing.TB, p *bundle.Program, l ParametersLiteral) *Plan {
	t.Helper()
	plan, err := NewPlan(t.Context(), p, Options{Parameters: &l, AllowInsecure: true})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
