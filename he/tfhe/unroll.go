package tfhe

import (
	"fmt"
	"math/big"
	"slices"

	"qtool/bundle"
)

// unroll appends the layers of a Recurrent's steps, and gives its output as a
// linear map on values. cur is what the sequence is, on the values from number
// cur.from on, and in its bounds.
//
// Tensors are linear maps on values until a table or a product needs them. A
// product of two ciphertexts takes two look-ups an element, in a layer of its
// own, see bundle.Mul. What is known without the client's values, as all that follows from the first
// states alone, takes none. A Shift is a table; a Domain does nothing.
func (c *circuit) unroll(r *bundle.Recurrent, cur *layer, in bundle.Bounds, shape []int, node int) (*bundle.Rows, error) {
	w, err := r.Wire(shape)
	if err != nil {
		return nil, err
	}
	bounds, err := r.TensorBounds(in, shape)
	if err != nil {
		return nil, err
	}
	all := cur.rows
	if all == nil {
		all = identity(0, in.Lo.Len())
	}
	all = offset(all, cur.from)
	states := make([]*bundle.Rows, len(r.States))
	for i := range states {
		states[i] = constant(make([]int64, r.States[i].Size))
	}
	for t := range r.Steps {
		tensors := append([]*bundle.Rows{pick(all, t*shape[1], (t+1)*shape[1])}, states...)
		for i := range r.Body {
			n := &r.Body[i]
			var parts []*bundle.Rows
			var b bundle.Bounds
			for _, k := range w.Inputs[i] {
				parts = append(parts, tensors[k])
				b = join(b, bounds[k])
			}
			u := unrolling{circuit: c, name: fmt.Sprintf("%s.%d.%s", cur.name, t+1, n.Name), body: n.Name, node: node}
			out, err := u.operation(n.Op, concatenate(parts), b)
			if err != nil {
				return nil, fmt.Errorf("step %d, body node %q: %w", t+1, n.Name, err)
			}
			tensors = append(tensors, out)
		}
		for i, k := range w.Next {
			states[i] = tensors[k]
		}
	}
	return states[w.Output], nil
}

// unrolling is one operation of one step.
type unrolling struct {
	*circuit
	name, body string
	node       int
}

// operation applies op to a tensor within b.
func (u *unrolling) operation(op bundle.Op, in *bundle.Rows, b bundle.Bounds) (*bundle.Rows, error) {
	n := in.Outputs()
	switch op := op.(type) {
	case bundle.Linear:
		return compose(op.Rows([]int{n}), in)
	case *bundle.Domain:
		return in, nil
	case *bundle.Mul:
		return u.product(op, pick(in, 0, n/2), pick(in, n/2, n), b)
	case *bundle.Shift:
		return u.lookup(in, b, func(_, _ int, q int64) int64 { return bundle.RoundShift(q, min(op.Bits, 62)) })
	}
	f := elementwise(op)
	if f == nil {
		return nil, fmt.Errorf("no encrypted form of operation %T", op)
	}
	return u.lookup(in, b, f)
}

// lookup appends a layer with the table of f an element.
func (u *unrolling) lookup(in *bundle.Rows, b bundle.Bounds, f func(i, n int, q int64) int64) (*bundle.Rows, error) {
	n := in.Outputs()
	if isConstant(in) {
		values := make([]int64, n)
		for i := range values {
			values[i] = f(i, n, in.Bias.Low64(i))
		}
		return constant(values), nil
	}
	l := u.next(0)
	l.name, l.bodyNode, l.rows, l.linearNode, l.tableNode = u.name, u.body, in, u.node, u.node
	if err := u.add(l, b, f); err != nil {
		return nil, err
	}
	return identity(u.layers[len(u.layers)-1].first, n), nil
}

// product is that of x and y, for the bounds of x and y one after the other.
func (u *unrolling) product(m *bundle.Mul, x, y *bundle.Rows, b bundle.Bounds) (*bundle.Rows, error) {
	n := x.Outputs()
	boundsX := bundle.Bounds{Lo: b.Lo.Slice(0, n), Hi: b.Hi.Slice(0, n)}
	if isConstant(x) {
		x, y = y, x
		boundsX = bundle.Bounds{Lo: b.Lo.Slice(n, 2*n), Hi: b.Hi.Slice(n, 2*n)}
	}
	if isConstant(y) {
		if m.Shift == 0 || isZero(y) {
			return compose(diagonal(y), x)
		}
		return u.lookup(x, boundsX, func(i, _ int, q int64) int64 {
			c := y.Bias.Low64(i)
			return m.Square(q+c) - m.Square(q-c)
		})
	}
	both := concatenate([]*bundle.Rows{x, y})
	sumDiff := &bundle.Rows{Inputs: 2 * n, Start: []int32{0}, Bias: bundle.Vec{Small: make([]int64, 2*n)}}
	for _, sign := range []int32{1, -1} {
		for i := range n {
			sumDiff.In = append(sumDiff.In, int32(i), int32(n+i))
			sumDiff.W = append(sumDiff.W, 1, sign)
			sumDiff.Start = append(sumDiff.Start, int32(len(sumDiff.In)))
		}
	}
	rows, err := compose(sumDiff, both)
	if err != nil {
		return nil, err
	}
	if b.Lo.Big != nil || b.Hi.Big != nil {
		return nil, fmt.Errorf("range %v passes 64 bits: %w", b.Range(), ErrInsufficient)
	}
	// The sums and differences of factors within 2^31 fit; others are refused there.
	within := bundle.Bounds{Lo: bundle.Vec{Small: make([]int64, 2*n)}, Hi: bundle.Vec{Small: make([]int64, 2*n)}}
	for i := range n {
		for _, v := range []int64{b.Lo.Small[i], b.Lo.Small[n+i], b.Hi.Small[i], b.Hi.Small[n+i]} {
			if v < -1<<31 || v > 1<<31 {
				return nil, fmt.Errorf("range %v passes the limit of 28 bits: %w", b.Range(), ErrInsufficient)
			}
		}
		within.Lo.Small[i], within.Hi.Small[i] = b.Lo.Small[i]+b.Lo.Small[n+i], b.Hi.Small[i]+b.Hi.Small[n+i]
		within.Lo.Small[n+i], within.Hi.Small[n+i] = b.Lo.Small[i]-b.Hi.Small[n+i], b.Hi.Small[i]-b.Lo.Small[n+i]
	}
	squares, err := u.lookup(rows, within, func(_, _ int, q int64) int64 { return m.Square(q) })
	if err != nil {
		return nil, err
	}
	return compose((&bundle.Add{Weights: []int32{1, -1}}).Rows([]int{2 * n}), squares)
}

// identity is the values from number first on.
func identity(first, n int) *bundle.Rows {
	r := constant(make([]int64, n))
	for i := range n {
		r.In, r.W, r.Start[i+1] = append(r.In, int32(first+i)), append(r.W, 1), int32(i+1)
	}
	r.Inputs = first + n
	return r
}

// constant depends on no value.
func constant(c []int64) *bundle.Rows {
	return &bundle.Rows{Start: make([]int32, len(c)+1), Bias: bundle.Vec{Small: c}}
}

func isConstant(r *bundle.Rows) bool { return len(r.In) == 0 }

func isZero(r *bundle.Rows) bool {
	return isConstant(r) && !slices.ContainsFunc(r.Bias.Small, func(c int64) bool { return c != 0 })
}

// diagonal multiplies elementwise by a constant tensor, whose elements have at
// most 31 bits as the ranges that lookup and product accept have.
func diagonal(c *bundle.Rows) *bundle.Rows {
	n := c.Outputs()
	r := identity(0, n)
	for i := range n {
		r.W[i] = int32(c.Bias.Low64(i))
	}
	return r
}

// offset is r on the values from number first on.
func offset(r *bundle.Rows, first int) *bundle.Rows {
	out := *r
	out.Inputs += first
	out.In = slices.Clone(r.In)
	for i := range out.In {
		out.In[i] += int32(first)
	}
	return &out
}

// pick is the outputs from..to-1 of r.
func pick(r *bundle.Rows, from, to int) *bundle.Rows {
	a, b := r.Start[from], r.Start[to]
	out := &bundle.Rows{Inputs: r.Inputs, In: r.In[a:b], W: r.W[a:b], Bias: r.Bias.Slice(from, to)}
	for _, s := range r.Start[from : to+1] {
		out.Start = append(out.Start, s-a)
	}
	return out
}

// concatenate is all outputs of all parts.
func concatenate(parts []*bundle.Rows) *bundle.Rows {
	out := &bundle.Rows{Start: []int32{0}}
	for _, p := range parts {
		for o := range p.Outputs() {
			in, w := p.Row(o)
			out.In, out.W = append(out.In, in...), append(out.W, w...)
			out.Start = append(out.Start, int32(len(out.In)))
			out.Bias.Small = append(out.Bias.Small, p.Bias.Low64(o))
		}
		out.Inputs = max(out.Inputs, p.Inputs)
	}
	return out
}

// join is the bounds of two tensors, one after the other.
func join(a, b bundle.Bounds) bundle.Bounds {
	return bundle.Bounds{Lo: joinVec(a.Lo, b.Lo), Hi: joinVec(a.Hi, b.Hi)}
}

func joinVec(a, b bundle.Vec) bundle.Vec {
	if a.Big == nil && b.Big == nil {
		return bundle.Vec{Small: slices.Concat(a.Small, b.Small)}
	}
	var all []*big.Int
	for _, v := range []bundle.Vec{a, b} {
		for i := range v.Len() {
			all = append(all, v.At(i))
		}
	}
	return bundle.NewVec(all)
}
