// Package lstmtest makes integer programs of small LSTM cells with random
// weights, for the tests and benchmarks of what runs such programs. They answer
// nothing sensible.
package lstmtest

import (
	"math"
	"math/rand/v2"
	"strings"

	"qtool/bundle"
	"qtool/internal/elementary"
	"qtool/quant"
)

// Shape is the sizes of a cell.
type Shape struct{ Steps, Inputs, Hidden int }

// The gates, in order.
var gates = []string{"i", "f", "o", "g"}

// Table is a cell whose activations are tables of 4-bit codes. Weights are few
// and small: an accumulator takes about width values.
func Table(s Shape, width int64, seed uint64) *bundle.Program {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &bundle.Program{Input: bundle.Input{Shape: []int{s.Steps, s.Inputs}, Quantizer: quant.Params{Scale: float32(1) / 15, ZeroPoint: 8, Bits: 4}}}
	r := &bundle.Recurrent{Steps: s.Steps, Output: "h", States: []bundle.State{
		{Name: "h", Size: s.Hidden, Scale: []float64{1. / 7}, Range: bundle.NewRange(-7, 7), Next: "h1"},
		{Name: "c", Size: s.Hidden, Scale: []float64{1. / 7}, Range: bundle.NewRange(-7, 7), Next: "c1"},
	}}
	add := func(name string, op bundle.Op, scale float64, inputs ...string) {
		n := bundle.Node{Name: name, Op: op, Scale: []float64{scale}, Inputs: inputs}
		if _, ok := op.(*bundle.Dense); ok {
			n.Bits = 4
		}
		r.Body = append(r.Body, n)
	}
	for _, g := range gates {
		d := &bundle.Dense{Units: s.Hidden, Inputs: s.Inputs + s.Hidden, Bias: bundle.Vec{Small: make([]int64, s.Hidden)}}
		table := &bundle.LookupTable{}
		for u := range s.Hidden {
			row, lo, hi := sparseRow(rng, s, width)
			d.Weight = append(d.Weight, row...)
			d.Bias.Small[u] = rng.Int64N(5) - 2
			lo, hi = lo+d.Bias.Small[u], hi+d.Bias.Small[u]
			table.Tables = append(table.Tables, tabulate(lo, hi, func(z float64) float64 {
				if g == "g" {
					return 7 * elementary.Tanh(z/8)
				}
				return 15 / (1 + elementary.Exp(-z/8))
			}))
		}
		add("z"+g, d, 1./8, bundle.SequenceName, "h")
		add(g, table, map[bool]float64{true: 1. / 7, false: 1. / 15}[g == "g"], "z"+g)
	}
	// Products are in quarters: a unit is 4 / 15 of a code.
	add("ig", &bundle.Mul{Shift: 2}, 4./105, "i", "g")
	add("fc", &bundle.Mul{Shift: 2}, 4./105, "f", "c")
	add("sum", &bundle.Add{Weights: []int32{1, 1}}, 4./105, "ig", "fc")
	add("c1", one(-54, 54, func(q float64) float64 { return min(7, max(-7, q*4/15)) }), 1./7, "sum")
	add("u", one(-7, 7, func(q float64) float64 { return 7 * elementary.Tanh(q/5) / elementary.Tanh(7./5) }), 1./7, "c1")
	add("ou", &bundle.Mul{Shift: 2}, 4./105, "o", "u")
	add("h1", one(-27, 27, func(q float64) float64 { return min(7, max(-7, q*4/15)) }), 1./7, "ou")
	return finish(p, r, rng)
}

// sparseRow draws weights whose sum takes about width values.
func sparseRow(rng *rand.Rand, s Shape, width int64) (row []int32, lo, hi int64) {
	row = make([]int32, s.Inputs+s.Hidden)
	for _, k := range rng.Perm(len(row)) {
		w := int64(rng.IntN(5) - 2)
		a, b := int64(-8), int64(7) // the grid of x
		if k >= s.Inputs {
			a = -7
		}
		if w < 0 {
			a, b = b, a
		}
		if hi-lo+w*(b-a)+1 <= width {
			row[k] = int32(w)
			lo, hi = lo+w*a, hi+w*b
		}
	}
	return row, lo, hi
}

func tabulate(lo, hi int64, f func(float64) float64) bundle.Table {
	t := bundle.Table{Lo: lo}
	for q := lo; q <= hi; q++ {
		t.Values = append(t.Values, int32(math.RoundToEven(f(float64(q)))))
	}
	return t
}

func one(lo, hi int64, f func(float64) float64) *bundle.LookupTable {
	return &bundle.LookupTable{Tables: []bundle.Table{tabulate(lo, hi, f)}}
}

// finish appends two logits and proves the program.
func finish(p *bundle.Program, r *bundle.Recurrent, rng *rand.Rand) *bundle.Program {
	h := r.States[0].Size
	d := &bundle.Dense{Units: 2, Inputs: h, Bias: bundle.Vec{Small: []int64{1, -1}}}
	for range h {
		d.Weight = append(d.Weight, int32(rng.IntN(7)-3))
	}
	for _, w := range d.Weight {
		d.Weight = append(d.Weight, -w)
	}
	p.Nodes = []bundle.Node{
		{Name: "lstm", Op: r, Scale: r.States[0].Scale},
		{Name: "fc", Op: d, Scale: []float64{0.1}, Bits: 4},
	}
	p.Labels = strings.Fields("negative positive")
	if err := p.Prove(); err != nil {
		panic(err)
	}
	for i := range p.Nodes {
		p.Nodes[i].Seen = p.Nodes[i].Range
	}
	for i := range r.Body {
		r.Body[i].Seen = r.Body[i].Range
	}
	return p
}

// Sequences draws n samples of bytes, quantized.
func Sequences(p *bundle.Program, n int, seed uint64) []bundle.Sample {
	rng := rand.New(rand.NewPCG(seed, 2))
	size := p.Input.Shape[0] * p.Input.Shape[1]
	all := make([][]uint8, n)
	for i := range all {
		all[i] = make([]uint8, size)
		for k := range all[i] {
			all[i][k] = uint8(rng.IntN(256))
		}
	}
	return p.Input.Samples(all)
}
