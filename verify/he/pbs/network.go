package pbs

import (
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
type layer struct {
	name   string       // of the node that makes the outputs
	rows   *bundle.Rows // nil for the identity
	n      int          // outputs
	lo, hi []int64      // proved range of every accumulator
	tables []table      // nil in the last layer
	slots  int          // H: half of the slots on the torus; see the package comment
	// The nodes that the linear map and the tables come from, for the clock.
	linearNode, tableNode int
	// norms are the accumulators' weights: outputs with the same are together.
	norms []norm
}

// norm counts the outputs whose weights have the squared L2 norm square and the
// L1 norm sum.
type norm struct {
	square, sum float64
	count       int
}

const noNode = -1

// lower groups a program's nodes into layers. Linear operations in a row become
// one map; a polynomial becomes a table over the proved range of its inputs.
func lower(p *bundle.Program) ([]layer, error) {
	bounds, err := p.Bounds()
	if err != nil {
		return nil, err
	}
	var layers []layer
	in := p.Input.Bounds()
	cur := layer{linearNode: noNode, tableNode: noNode}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		fail := func(err error) error { return fmt.Errorf("pbs: layer %q: %w", node.Name, err) }
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
		default:
			f := elementwise(node.Op)
			if f == nil {
				return nil, fail(fmt.Errorf("no encrypted form of operation %s", node.Kind()))
			}
			cur.tableNode = i
			if err := cur.finish(in); err != nil {
				return nil, fail(err)
			}
			if err := cur.tabulate(f); err != nil {
				return nil, fail(err)
			}
			layers = append(layers, cur)
			cur = layer{linearNode: noNode, tableNode: noNode}
		}
		in = bounds[i]
	}
	if err := cur.finish(in); err != nil {
		return nil, fmt.Errorf("pbs: layer %q: %w", p.Output().Name, err)
	}
	if cur.name == "" {
		cur.name = p.Output().Name
	}
	span := int64(0)
	for o := range cur.lo {
		span = max(span, cur.hi[o]-cur.lo[o]+1)
	}
	cur.slots = int(span/2 + 1)
	return append(layers, cur), nil
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

// finish fills in what follows from the accumulators' bounds and the rows.
func (l *layer) finish(b bundle.Bounds) error {
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
	if l.rows == nil {
		l.norms = []norm{{1, 1, l.n}}
		return nil
	}
	if err := smallBias(l.rows); err != nil {
		return err
	}
	at := map[[2]float64]int{}
	for o := range l.n {
		sum, square := l.rows.Norms(o)
		key := [2]float64{square, sum}
		if _, ok := at[key]; !ok {
			at[key] = len(l.norms)
			l.norms = append(l.norms, norm{square, sum, 0})
		}
		l.norms[at[key]].count++
	}
	return nil
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
