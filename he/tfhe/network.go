package tfhe

import (
	"qtool/bundle"
	"qtool/he"
)

// beyond is the error of a layer that is yet to be named; see he.AtLayer.
func beyond(format string, a ...any) error { return he.Insufficient("tfhe", "", format, a...) }

// maxDomain bounds the values of an accumulator that indexes a table, to more than
// any parameters carry, and maxEntries the entries of a layer's tables.
const (
	maxDomain  = 1 << 12
	maxEntries = 1 << 24
)

// layer is a linear map followed by a table an output or, in the last layer, by
// nothing: its outputs are then the logits.
//
// Values are numbered: the program's inputs first, then the outputs of each layer
// in order. A layer reads them from number from on, and its outputs have the
// numbers from first on.
type layer struct {
	name        string       // of the node that makes the outputs
	bodyNode    string       // of a Recurrent, that does
	rows        *bundle.Rows // nil for the identity
	from, first int
	n           int     // outputs
	lo, hi      []int64 // proved range of every accumulator
	tables      []table // nil in the last layer
	half        int     // H: half of the message space; see the package comment
	// gain is what multiplies the phases of values on their way into a layer with
	// tables, see assign; 1 in the last layer.
	gain int
	// precise says that the plan keeps the values that the last layer reads modulo Q,
	// see precise.go: it is the same in all layers.
	precise bool
	// The nodes that the linear map and the tables come from, for the clock.
	linearNode, tableNode int
	// norms are the accumulators' weights: outputs with the same are together.
	norms []norm
}

// norm counts the outputs whose weights have the squared L2 norm fresh on the
// program's inputs and rotated on outputs of look-ups, in which twins count as one
// output with the sum of their weights' magnitudes, and the L1 norm sum on both.
type norm struct {
	fresh, rotated, sum float64
	count               int
}

const noNode = -1

// circuit is the layers so far.
type circuit struct {
	inputs int
	layers []layer
	twins  twins
}

// values is how many there are so far.
func (c *circuit) values() int {
	if len(c.layers) == 0 {
		return c.inputs
	}
	l := &c.layers[len(c.layers)-1]
	return l.first + l.n
}

// next is an empty layer that reads the values from number from on.
func (c *circuit) next(from int) layer {
	return layer{from: from, linearNode: noNode, tableNode: noNode}
}

// add appends a layer with accumulators within b and, if f is not nil, its tables.
func (c *circuit) add(l layer, b bundle.Bounds, f func(i, n int, q int64) int64) error {
	l.first = c.values()
	if err := l.finish(b); err != nil {
		return err
	}
	c.weigh(&l)
	if f != nil {
		if err := l.tabulate(f); err != nil {
			return err
		}
		c.twins.add(&l)
	}
	c.layers = append(c.layers, l)
	return nil
}

// elementwise is what op does to the value q of element i of n, or nil if op is
// not such an operation.
func elementwise(op bundle.Op) func(i, n int, q int64) int64 {
	switch op := op.(type) {
	case *bundle.Polynomial:
		return func(i, n int, q int64) int64 {
			c := op.Channel(i, n)
			acc := int64(0) // modulo 2^64, which holds the proved range
			for k := c.Len() - 1; k >= 0; k-- {
				acc = acc*q + c.Low64(k)
			}
			return acc
		}
	case *bundle.LookupTable:
		return func(i, n int, q int64) int64 { return int64(op.At(op.Channel(i, n), q)) }
	case *bundle.Shift:
		return func(_, _ int, q int64) int64 { return bundle.RoundShift(q, min(op.Bits, 62)) }
	}
	return nil
}

// finish fills in the accumulators' ranges.
func (l *layer) finish(b bundle.Bounds) error {
	l.n = b.Lo.Len()
	if b.Lo.Big != nil || b.Hi.Big != nil {
		return beyond("range %v passes 64 bits", b.Range())
	}
	l.lo, l.hi = b.Lo.Small, b.Hi.Small
	for o := range l.lo {
		if l.lo[o] < -1<<31 || l.hi[o] >= 1<<31 || l.hi[o]-l.lo[o] >= 1<<28 {
			return beyond("range %v of element %d passes the limit of 28 bits", bundle.NewRange(l.lo[o], l.hi[o]), o)
		}
	}
	if l.rows != nil {
		return smallBias(l.rows)
	}
	return nil
}

// each calls f with the number and the weight of every value that accumulator o
// is the sum of.
func (l *layer) each(o int, f func(value int, weight int32)) {
	if l.rows == nil {
		f(l.from+o, 1)
		return
	}
	in, w := l.rows.Row(o)
	for k, i := range in {
		f(l.from+int(i), w[k])
	}
}

// bias is the bias of accumulator o.
func (l *layer) bias(o int) int64 {
	if l.rows == nil {
		return 0
	}
	return l.rows.Bias.Low64(o)
}

// lookups is the number of programmable bootstraps of the layer.
func (l *layer) lookups() int { return len(l.tables) }
