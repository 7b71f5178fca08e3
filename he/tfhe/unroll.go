package tfhe

import (
	"context"
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
// product of two ciphertexts takes two look-ups an element, see product. What is
// known without the client's values, as all that follows from the first states alone,
// takes none. A Domain does nothing. The error is ctx's once that is done.
func (c *circuit) unroll(ctx context.Context, r *bundle.Recurrent, cur *layer, in bundle.Bounds, shape []int, node int) (*bundle.Rows, error) {
	w, err := r.Wire(shape)
	if err != nil {
		return nil, err
	}
	bounds, err := r.TensorBounds(in, shape)
	if err != nil {
		return nil, err
	}
	all, err := cur.onValues(in.Lo.Len())
	if err != nil {
		return nil, err
	}
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
			u := maker{circuit: c, name: fmt.Sprintf("%s.%d.%s", cur.name, t+1, n.Name), body: n.Name, node: node}
			out, err := u.operation(ctx, n.Op, concatenate(parts), b)
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

// maker appends the layers of one operation, which are called name and come from a
// node and, of a Recurrent, from its body's node called body.
type maker struct {
	*circuit
	name, body string
	node       int
}

// operation applies op to a tensor within b.
func (u *maker) operation(ctx context.Context, op bundle.Op, in *bundle.Rows, b bundle.Bounds) (*bundle.Rows, error) {
	n := in.Outputs()
	switch op := op.(type) {
	case bundle.Linear:
		return compose(ctx, op.Rows([]int{n}), in)
	case *bundle.Domain:
		return in, nil
	case *bundle.Mul:
		return u.product(ctx, op, pick(in, 0, n/2), pick(in, n/2, n), b)
	}
	f := elementwise(op)
	if f == nil {
		return nil, fmt.Errorf("no encrypted form of operation %T", op)
	}
	return u.lookup(in, b, f)
}

// lookup appends a layer with the table of f an element.
func (u *maker) lookup(in *bundle.Rows, b bundle.Bounds, f func(i, n int, q int64) int64) (*bundle.Rows, error) {
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
