package export

import (
	"math"

	"qtool/bundle"
	"qtool/model"
	"qtool/quant"
)

// body is the loop of an LSTM in the making. Its tensors are named after the gates
// i, f, g and o; c and h are the states.
type body struct {
	*model.Recurrence
	zero int64 // the program's input where the layer's is 0
	r    *bundle.Recurrent
}

// recurrent is the operation of recurrent layer i, which reads a program's input.
func (e *exporter) recurrent(i int) (bundle.Op, error) {
	r, err := e.q.Recurrence(i)
	if err != nil {
		return nil, err
	}
	b := &body{Recurrence: r, zero: e.zero, r: &bundle.Recurrent{Steps: e.q.Network.Input[0], Output: "h"}}
	switch {
	case r.Layer.Type == model.GRU:
		b.unit()
	case r.Layer.Gates != nil:
		err = b.polynomials(e.p)
	default:
		b.tables()
	}
	return b.r, err
}

var gates = []string{"i", "f", "g", "o"}

func (b *body) add(name string, op bundle.Op, scale []float64, bits quant.BitWidth, inputs ...string) {
	b.r.Body = append(b.r.Body, bundle.Node{Name: name, Op: op, Scale: scale, Bits: bits, Inputs: inputs})
}

func (b *body) state(name string, limit int64, scale float64, next string) {
	b.r.States = append(b.r.States, bundle.State{Name: name, Size: b.Layer.Units, Scale: []float64{scale}, Range: bundle.NewRange(-limit, limit), Next: next})
}

// dense makes a layer of hidden units from rows of integer weights, on inputs that
// are offset above their codes.
func (b *body) dense(offset int64, rows ...[]float32) *bundle.Dense {
	h := b.Layer.Units
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

// tables is the cell of model.CellTables.
func (b *body) tables() {
	var t model.CellTables
	t.Update(b.Recurrence)
	z, units, bits := &b.Quantizer, b.Layer.Units, b.Weights.Bits
	gate, state := int64(1)<<z.StateBits-1, int64(1)<<(z.StateBits-1)-1
	unit, sum := 1/float64(state), []float64{t.SumScale}
	b.state("h", state, b.HiddenScale(), "h1")
	b.state("c", state, float64(z.CellRange)*unit, "c1")
	for k, g := range gates {
		from, to := k*units, (k+1)*units
		scale := 1 / float64(gate)
		if g == "g" {
			scale = unit
		}
		b.add("z"+g, b.dense(b.zero, t.W[from*b.Size:to*b.Size], t.U[from*units:to*units]), t.Slope[from:to], bits, bundle.SequenceName, "h")
		b.add(g, lookUp(t.Gates[from:to]...), []float64{scale}, 0, "z"+g)
	}
	b.add("ig", &bundle.Mul{Shift: log2(t.Divisors[0])}, sum, 0, "i", "g")
	b.add("fc", &bundle.Mul{Shift: log2(t.Divisors[1])}, sum, 0, "f", "c")
	b.add("sum", &bundle.Add{Weights: []int32{1, 1}}, sum, 0, "ig", "fc")
	b.add("c1", lookUp(t.Cell), []float64{float64(z.CellRange) * unit}, 0, "sum")
	b.add("v", lookUp(t.Out), []float64{unit}, 0, "sum")
	half := []float64{math.Sqrt(b.HiddenScale())} // of a quarter square's root
	b.add("ov+", &bundle.Add{Weights: []int32{1, 1}}, half, 0, "o", "v")
	b.add("ov-", &bundle.Add{Weights: []int32{1, -1}}, half, 0, "o", "v")
	b.add("r+", lookUp(t.Squares[2]), []float64{b.HiddenScale()}, 0, "ov+")
	b.add("r-", lookUp(t.Squares[2]), []float64{b.HiddenScale()}, 0, "ov-")
	b.add("h1", &bundle.Add{Weights: []int32{1, -1}}, []float64{b.HiddenScale()}, 0, "r+", "r-")
}

// log2 of a power of two.
func log2(k float32) uint8 {
	_, e := math.Frexp(float64(k))
	return uint8(e - 1)
}

// lookUp is an operation of one table for all elements, or one each.
func lookUp(tables ...model.LookupTable) *bundle.LookupTable {
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
