// Package sequence turns quantized networks that read sentences into integer
// programs, and into what the client of such a program needs.
package sequence

import (
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/model/sequence"
	"qtool/quant"
)

// Program builds the integer program of q, with every range proved. Its input is a
// client's bytes [Steps, Inputs], where code 0 is the byte 2^(bits-1); its two
// outputs are -z and z of the logit z, for the given two labels.
func Program(q *sequence.Quantized, labels []string) (*bundle.Program, error) {
	n := q.Network
	if err := n.Check(q.Params); err != nil {
		return nil, err
	}
	if err := q.Quantizers.Validate(n); err != nil {
		return nil, err
	}
	p := &bundle.Program{
		Labels: labels,
		Input: bundle.Input{
			Shape:     []int{n.Steps, n.Inputs},
			Quantizer: quant.Params{Scale: float32(1) / 255, Bits: q.Quantizers.Input.Bits},
		},
	}
	offset := int64(0)
	if n.Cell == sequence.LSTM {
		b := &body{q: q, zero: zero(q), r: &bundle.Recurrent{Steps: n.Steps, Output: "h"}}
		if err := b.build(p); err != nil {
			return nil, fmt.Errorf("export: lstm: %w", err)
		}
		p.Nodes = append(p.Nodes, bundle.Node{Name: "lstm", Op: b.r, Scale: []float64{q.Quantizers.HiddenScale()}})
	} else {
		p.Nodes = append(p.Nodes, bundle.Node{
			Name: "flatten", Op: &bundle.Reshape{Shape: []int{n.Inputs}}, Scale: []float64{float64(q.Quantizers.Input.Scale)},
		})
		offset = zero(q)
	}
	p.Nodes = append(p.Nodes, bundle.Node{Name: "output", Op: logits(q, offset), Scale: []float64{q.LogitScale()}, Bits: q.Quantizers.WeightBits})
	if err := p.Prove(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return p, nil
}

// zero is the byte of the code 0.
func zero(q *sequence.Quantized) int64 { return 1 << (q.Quantizers.Input.Bits - 1) }

// logits is -z and z, for inputs that are offset above their codes.
func logits(q *sequence.Quantized, offset int64) *bundle.Dense {
	codes, bias := q.OutputCodes()
	d := &bundle.Dense{Units: 2, Inputs: len(codes)}
	b := int64(bias)
	for _, sign := range []int32{-1, 1} {
		for _, c := range codes {
			d.Weight = append(d.Weight, sign*int32(c))
		}
	}
	for _, c := range codes {
		b -= offset * int64(c)
	}
	d.Bias = bundle.Vec{Small: []int64{-b, b}}
	return d
}

// body is the loop of an LSTM in the making. Its tensors are named after the gates
// i, f, g and o; c and h are the states.
type body struct {
	q    *sequence.Quantized
	zero int64
	r    *bundle.Recurrent
}

var gates = []string{"i", "f", "g", "o"}

func (b *body) add(name string, op bundle.Op, scale []float64, bits quant.BitWidth, inputs ...string) {
	b.r.Body = append(b.r.Body, bundle.Node{Name: name, Op: op, Scale: scale, Bits: bits, Inputs: inputs})
}

func (b *body) state(name string, limit int64, scale float64, next string) {
	b.r.States = append(b.r.States, bundle.State{Name: name, Size: b.q.Network.Hidden, Scale: []float64{scale}, Range: bundle.NewRange(-limit, limit), Next: next})
}

func (b *body) build(p *bundle.Program) error {
	if b.q.Quantizers.Family == sequence.PolynomialFamily {
		return b.polynomials(p)
	}
	b.tables()
	return nil
}

// dense makes a layer of hidden units from rows of integer weights, on inputs that
// are offset above their codes.
func (b *body) dense(offset int64, rows ...[]float32) *bundle.Dense {
	h := b.q.Network.Hidden
	d := &bundle.Dense{Units: h, Bias: bundle.Vec{Small: make([]int64, h)}}
	for u := range h {
		for k, w := range rows {
			size := len(w) / h
			for _, c := range w[u*size : (u+1)*size] {
				d.Weight = append(d.Weight, int32(c))
				if k == 0 {
					d.Bias.Small[u] -= offset * int64(c)
				}
			}
		}
	}
	d.Inputs = len(d.Weight) / h
	return d
}

// tables is the cell of sequence.Tables.
func (b *body) tables() {
	var t sequence.Tables
	t.Update(b.q)
	z, n := &b.q.Quantizers, b.q.Network
	gate, state := int64(1)<<z.StateBits-1, int64(1)<<(z.StateBits-1)-1
	unit, sum := 1/float64(state), []float64{t.SumScale}
	b.state("h", state, z.HiddenScale(), "h1")
	b.state("c", state, float64(z.CellRange)*unit, "c1")
	for k, g := range gates {
		rows := 4 * n.Hidden / 4
		from, to := k*rows, (k+1)*rows
		scale := 1 / float64(gate)
		if g == "g" {
			scale = unit
		}
		b.add("z"+g, b.dense(b.zero, t.W[from*n.Inputs:to*n.Inputs], t.U[from*n.Hidden:to*n.Hidden]), t.Slope[from:to], z.WeightBits, bundle.SequenceName, "h")
		b.add(g, lookUp(t.Gates[from:to]...), []float64{scale}, 0, "z"+g)
	}
	b.add("ig", &bundle.Mul{Shift: log2(t.Divisors[0])}, sum, 0, "i", "g")
	b.add("fc", &bundle.Mul{Shift: log2(t.Divisors[1])}, sum, 0, "f", "c")
	b.add("sum", &bundle.Add{Weights: []int32{1, 1}}, sum, 0, "ig", "fc")
	b.add("c1", lookUp(t.Cell), []float64{float64(z.CellRange) * unit}, 0, "sum")
	b.add("v", lookUp(t.Out), []float64{unit}, 0, "sum")
	half := []float64{math.Sqrt(z.HiddenScale())} // of a quarter square's root
	b.add("ov+", &bundle.Add{Weights: []int32{1, 1}}, half, 0, "o", "v")
	b.add("ov-", &bundle.Add{Weights: []int32{1, -1}}, half, 0, "o", "v")
	b.add("r+", lookUp(t.Squares[2]), []float64{z.HiddenScale()}, 0, "ov+")
	b.add("r-", lookUp(t.Squares[2]), []float64{z.HiddenScale()}, 0, "ov-")
	b.add("h1", &bundle.Add{Weights: []int32{1, -1}}, []float64{z.HiddenScale()}, 0, "r+", "r-")
}

// log2 of a power of two.
func log2(k float32) uint8 {
	_, e := math.Frexp(float64(k))
	return uint8(e - 1)
}

// lookUp is an operation of one table for all elements, or one each.
func lookUp(tables ...sequence.Table) *bundle.LookupTable {
	l := &bundle.LookupTable{}
	for i := range tables {
		t := bundle.Table{Lo: int64(tables[i].Lo)}
		for _, c := range tables[i].Codes {
			t.Values = append(t.Values, int32(c))
		}
		l.Tables = append(l.Tables, t)
	}
	return l
}
