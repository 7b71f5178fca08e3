package tfhe

import (
	"context"
	"errors"
	"fmt"
	"math"

	"qtool/bundle"
)

// ErrInsufficient marks programs that no secure parameters can carry.
var ErrInsufficient = errors.New("parameters are insufficient")

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
	slots       int     // H: half of the slots on the torus; see the package comment
	// The nodes that the linear map and the tables come from, for the clock.
	linearNode, tableNode int
	// norms are the accumulators' weights: outputs with the same are together.
	norms []norm
}

// norm counts the outputs whose weights have the squared L2 norm fresh on the
// program's inputs and rotated on outputs of look-ups, and the L1 norm sum on
// both.
type norm struct {
	fresh, rotated, sum float64
	count               int
}

const noNode = -1

// lower groups a program's nodes into layers. Linear operations in a row become
// one map; a polynomial becomes a table over the proved range of its inputs. A
// Recurrent is unrolled, see unroll. The error is ctx's once that is done.
func lower(ctx context.Context, p *bundle.Program) ([]layer, error) {
	bounds, err := p.Bounds()
	if err != nil {
		return nil, err
	}
	if err := carried.Check(p); err != nil {
		return nil, err
	}
	in := p.Input.Bounds()
	c := circuit{inputs: in.Lo.Len()}
	cur := c.next(0)
	for i := range p.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		node := &p.Nodes[i]
		fail := func(err error) error { return fmt.Errorf("tfhe: layer %q: %w", node.Name, err) }
		cur.name = node.Name
		switch op := node.Op.(type) {
		case *bundle.Reshape:
		case bundle.Linear:
			rows := op.Rows(p.InShape(i))
			if cur.rows != nil {
				if rows, err = compose(rows, cur.rows); err != nil {
					return nil, fail(err)
				}
			}
			cur.rows, cur.linearNode = rows, i
		case *bundle.Recurrent:
			out, err := c.unroll(op, &cur, in, p.InShape(i), i)
			if err != nil {
				return nil, fail(err)
			}
			cur = c.next(0)
			cur.name, cur.rows, cur.linearNode = node.Name, out, i
		default:
			f := elementwise(node.Op)
			if f == nil {
				return nil, fail(fmt.Errorf("no encrypted form of operation %s", node.Kind()))
			}
			cur.tableNode = i
			if err := c.add(cur, in, f); err != nil {
				return nil, fail(err)
			}
			cur = c.next(c.layers[len(c.layers)-1].first)
		}
		in = bounds[i]
	}
	if cur.name == "" {
		cur.name = p.Output().Name
	}
	if err := c.add(cur, in, nil); err != nil {
		return nil, fmt.Errorf("tfhe: layer %q: %w", p.Output().Name, err)
	}
	c.assign()
	return c.layers, nil
}

// circuit is the layers so far.
type circuit struct {
	inputs int
	layers []layer
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
	if err := l.finish(b, c.inputs); err != nil {
		return err
	}
	if f != nil {
		if err := l.tabulate(f); err != nil {
			return err
		}
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
	}
	return nil
}

// finish fills in what follows from the accumulators' bounds, the rows and the
// number of the program's inputs.
func (l *layer) finish(b bundle.Bounds, inputs int) error {
	l.n = b.Lo.Len()
	if b.Lo.Big != nil || b.Hi.Big != nil {
		return fmt.Errorf("range %v passes 64 bits: %w", b.Range(), ErrInsufficient)
	}
	l.lo, l.hi = b.Lo.Small, b.Hi.Small
	for o := range l.lo {
		if l.lo[o] < -1<<31 || l.hi[o] >= 1<<31 || l.hi[o]-l.lo[o] >= 1<<28 {
			return fmt.Errorf("range %v of element %d passes the limit of 28 bits: %w", bundle.NewRange(l.lo[o], l.hi[o]), o, ErrInsufficient)
		}
	}
	if l.rows != nil {
		if err := smallBias(l.rows); err != nil {
			return err
		}
	}
	at := map[norm]int{}
	for o := range l.n {
		var w norm
		l.each(o, func(v int, weight int32) {
			x := float64(weight)
			if v < inputs {
				w.fresh += float64(x * x)
			} else {
				w.rotated += float64(x * x)
			}
			w.sum += math.Abs(x)
		})
		if _, ok := at[w]; !ok {
			at[w] = len(l.norms)
			l.norms = append(l.norms, w)
		}
		l.norms[at[w]].count++
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

// maxBias bounds the magnitude of a bias, so that sums with it fit an int64.
const maxBias = 1 << 60

// smallBias returns an error if a bias passes maxBias.
func smallBias(r *bundle.Rows) error {
	for o := range r.Outputs() {
		if math.Abs(r.Bias.Float(o)) > maxBias {
			return fmt.Errorf("bias %v of element %d passes the limit of 60 bits: %w", r.Bias.At(o), o, ErrInsufficient)
		}
	}
	return nil
}

// compose is the map x -> outer(inner(x)). It returns an error for weights beyond
// 32 bits and biases beyond maxBias.
func compose(outer, inner *bundle.Rows) (*bundle.Rows, error) {
	for _, r := range []*bundle.Rows{outer, inner} {
		if err := smallBias(r); err != nil {
			return nil, err
		}
	}
	r := &bundle.Rows{Inputs: inner.Inputs, Start: []int32{0}}
	weight := make([]int64, inner.Inputs)
	seen := make([]bool, inner.Inputs)
	for o := range outer.Outputs() {
		var touched []int32
		bias := outer.Bias.Low64(o)
		size := math.Abs(float64(bias)) // of the bias and everything it is a sum of
		mid, w := outer.Row(o)
		for k, m := range mid {
			b := inner.Bias.Low64(int(m))
			bias += int64(w[k]) * b
			size += math.Abs(float64(w[k]) * float64(b))
			in, v := inner.Row(int(m))
			for j, i := range in {
				if !seen[i] {
					seen[i] = true
					touched = append(touched, i)
				}
				weight[i] += int64(w[k]) * int64(v[j])
			}
		}
		for _, i := range touched {
			if x := weight[i]; x != 0 {
				if x < math.MinInt32 || x > math.MaxInt32 {
					return nil, fmt.Errorf("composed weight %d of output %d passes 32 bits: %w", x, o, ErrInsufficient)
				}
				r.In, r.W = append(r.In, i), append(r.W, int32(x))
			}
			weight[i], seen[i] = 0, false
		}
		if size > maxBias {
			return nil, fmt.Errorf("composed bias of output %d passes 60 bits: %w", o, ErrInsufficient)
		}
		r.Start, r.Bias.Small = append(r.Start, int32(len(r.In))), append(r.Bias.Small, bias)
	}
	return r, nil
}

// bias is that of accumulator o.
func (l *layer) bias(o int) int64 {
	if l.rows == nil {
		return 0
	}
	return l.rows.Bias.Low64(o)
}

// lookups is the number of programmable bootstraps of the layer.
func (l *layer) lookups() int { return len(l.tables) }
