package lstmtest

import (
	"math/rand/v2"

	"qtool/bundle"
	"qtool/internal/elementary"
	"qtool/quant"
)

// Unit is a GRU whose activations are tables of 4-bit codes, with weights as Table has
// them: one state, and a product that an accumulator reads.
func Unit(s Shape, width int64, seed uint64) *bundle.Program {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &bundle.Program{Input: bundle.Input{Shape: []int{s.Steps, s.Inputs}, Quantizer: quant.Params{Scale: float32(1) / 15, ZeroPoint: 8, Bits: 4}}}
	r := &bundle.Recurrent{Steps: s.Steps, Output: "h", States: []bundle.State{
		{Name: "h", Size: s.Hidden, Scale: []float64{1. / 7}, Range: bundle.NewRange(-7, 7), Next: "h1"},
	}}
	add := func(name string, op bundle.Op, scale float64, inputs ...string) {
		r.Body = append(r.Body, bundle.Node{Name: name, Op: op, Scale: []float64{scale}, Inputs: inputs})
	}
	gate := func(g, state string) {
		d := &bundle.Dense{Units: s.Hidden, Inputs: s.Inputs + s.Hidden, Bias: bundle.Vec{Small: make([]int64, s.Hidden)}}
		table, scale := &bundle.LookupTable{}, 1./15
		for range s.Hidden {
			row, lo, hi := sparseRow(rng, s, width)
			d.Weight = append(d.Weight, row...)
			table.Tables = append(table.Tables, tabulate(lo, hi, func(a float64) float64 {
				if g == "n" {
					scale = 1. / 7
					return 7 * elementary.Tanh(a/8)
				}
				return 15 / (1 + elementary.Exp(-a/8))
			}))
		}
		add("a"+g, d, 1./8, bundle.SequenceName, state)
		r.Body[len(r.Body)-1].Bits = 4
		add(g, table, scale, "a"+g)
	}
	gate("z", "h")
	gate("r", "h")
	add("rh", &bundle.Mul{Shift: 4}, 16./105, "r", "h")
	gate("n", "rh")
	add("u", one(0, 15, func(z float64) float64 { return 15 - z }), 1./15, "z")
	add("zh", &bundle.Mul{Shift: 2}, 4./105, "z", "h")
	add("un", &bundle.Mul{Shift: 2}, 4./105, "u", "n")
	add("sum", &bundle.Add{Weights: []int32{1, 1}}, 4./105, "zh", "un")
	add("h1", one(-54, 54, func(q float64) float64 { return min(7, max(-7, q*4/15)) }), 1./7, "sum")
	return finish(p, r, rng)
}
