package export

import (
	"math"

	"qtool/bundle"
	"qtool/model"
)

// unit is the cell of a GRU of tables; see model.CellTables.
func (b *body) unit() {
	var t model.CellTables
	t.Update(b.Recurrence)
	units, bits := b.Layer.Units, b.Weights.Bits
	full := float64(t.Full)
	state, gate := []float64{b.HiddenScale()}, []float64{1 / full}
	b.state("h", int64(math.Round(1/state[0])), state[0], "h1")
	row := func(k int, hidden string, scale []float64) {
		from, to := k*units, (k+1)*units
		name := unitGates[k]
		b.add("a"+name, b.dense(b.zero, t.W[from*b.Size:to*b.Size], t.U[from*units:to*units]), t.Slope[from:to], bits, bundle.SequenceName, hidden)
		b.add(name, lookUp(t.Gates[from:to]...), scale, 0, "a"+name)
	}
	row(0, "h", gate)
	row(1, "h", gate)
	reset := float64(t.Divisors[0])
	b.add("rh", &bundle.Mul{Shift: log2(t.Divisors[0])}, []float64{reset * gate[0] * state[0]}, 0, "r", "h")
	row(2, "rh", state)
	rest := model.LookupTable{}
	for z := float32(0); z <= t.Full; z++ {
		rest.Codes = append(rest.Codes, t.Full-z)
	}
	b.add("u", lookUp(rest), gate, 0, "z")
	sum, mix := []float64{t.SumScale}, &bundle.Mul{Shift: log2(t.Divisors[1])}
	b.add("zh", mix, sum, 0, "z", "h")
	b.add("un", &bundle.Mul{Shift: mix.Shift}, sum, 0, "u", "n")
	b.add("sum", &bundle.Add{Weights: []int32{1, 1}}, sum, 0, "zh", "un")
	b.add("h1", lookUp(t.Cell), state, 0, "sum")
}

// unitGates are the gates of a GRU, as its tensors are named.
var unitGates = []string{"z", "r", "n"}
