package lower

import (
	"math/big"
	"slices"

	"qtool/bundle"
)

// support is a linear operation with an entry for every weight that it may have, zeros
// too. What a client packs, and hence its half of a plan, then follows from the shapes
// of layers, and says nothing of which weights are zero.
func support(op bundle.Linear, shapes [][]int) *Matrix {
	all := op
	ones := func(n int) []int32 { return slices.Repeat([]int32{1}, n) }
	switch op := op.(type) {
	case *bundle.Dense:
		d := *op
		d.Weight = ones(len(op.Weight))
		all = &d
	case *bundle.Conv2D:
		c := *op
		c.Weight = ones(len(op.Weight))
		all = &c
	}
	some := op.Rows(shapes...)
	if all == op {
		return fromRows(some)
	}
	rows := all.Rows(shapes...)
	m := &Matrix{Inputs: rows.Inputs, Start: rows.Start, In: rows.In, W: make([]int64, len(rows.In)), Bias: make([]*big.Int, rows.Outputs())}
	for o := range m.Bias {
		in, w := some.Row(o)
		at := m.W[m.Start[o]:]
		for k, i := range m.In[m.Start[o]:m.Start[o+1]] {
			if len(in) > 0 && in[0] == i { // both list inputs in one order
				at[k] = int64(w[0])
				in, w = in[1:], w[1:]
			}
		}
		m.Bias[o] = some.Bias.At(o)
	}
	return m
}
