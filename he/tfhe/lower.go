package tfhe

import (
	"context"
	"fmt"

	"qtool/bundle"
	"qtool/he"
)

// lower groups a program's nodes into layers, and assigns their message spaces. Linear operations become one map up to
// the next table or product, in which a tensor that several nodes read, or one node by
// several ways, is what it is of look-ups and inputs: weights that meet add up, so that
// rows say exactly how noise does. An elementwise operation becomes a table over the
// proved range of its inputs, a product of two tensors two tables (see product), one
// with itself a single one. A MaxPool is bundle.Program.LowerMaxPool's tree of tables.
// A Recurrent is unrolled, see unroll.
//
// It returns an error that wraps bundle.ErrUnsupported, before any work, for a program
// that is not carried, a *he.InsufficientError that names the layer where no
// parameters could carry a tensor, and ctx's once that is done.
func lower(ctx context.Context, p *bundle.Program) ([]layer, error) {
	layers, err := group(ctx, p)
	if err != nil {
		return nil, err
	}
	assign(layers)
	return layers, nil
}

// group does lower's work but for message spaces and gains.
func group(ctx context.Context, p *bundle.Program) ([]layer, error) {
	if err := carried.Check(p); err != nil {
		return nil, err
	}
	l, err := newLowering(p)
	if err != nil {
		return nil, err
	}
	for i := range l.program.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		node := &l.program.Nodes[i]
		out, err := l.node(ctx, i, node)
		if err != nil {
			return nil, he.AtLayer(err, "tfhe", node.Name)
		}
		l.tensors[i+1] = out
		for _, t := range l.graph.Inputs[i] {
			if l.graph.LastUse[t] == i {
				l.tensors[t] = layer{}
			}
		}
	}
	last := len(l.program.Nodes)
	out := l.tensors[last]
	out.name = l.program.Output().Name
	if err := l.add(out, l.bounds[last], nil); err != nil {
		return nil, he.AtLayer(err, "tfhe", out.name)
	}
	return l.layers, nil
}

// lowering walks a program's nodes.
type lowering struct {
	circuit
	program *bundle.Program // without MaxPool
	origin  []int           // of its nodes, in the program that was given
	graph   *bundle.Graph
	// By tensor, as numbered in graph: what it is of the values so far, as a layer
	// without ranges and tables, until its last use; and its bounds.
	tensors []layer
	bounds  []bundle.Bounds
}

func newLowering(p *bundle.Program) (*lowering, error) {
	l := &lowering{program: p}
	if p.Uses(bundle.KindMaxPool) {
		if err := p.Check(); err != nil {
			return nil, err
		}
		var err error
		if l.program, l.origin, err = p.LowerMaxPool(); err != nil {
			return nil, &he.InsufficientError{Backend: "tfhe", Cause: err}
		}
	}
	bounds, err := l.program.Bounds()
	if err != nil {
		return nil, err
	}
	if l.graph, err = l.program.Graph(); err != nil {
		return nil, err
	}
	in := p.Input.Bounds()
	l.inputs = in.Lo.Len()
	l.bounds = append([]bundle.Bounds{in}, bounds...)
	l.tensors = make([]layer, len(l.bounds))
	l.tensors[0] = l.next(0)
	return l, nil
}

// node appends the layers of node i, and gives its tensor.
func (l *lowering) node(ctx context.Context, i int, node *bundle.Node) (layer, error) {
	in := l.graph.Inputs[i]
	from := i
	if l.origin != nil {
		from = l.origin[i]
	}
	m := maker{circuit: &l.circuit, name: node.Name, node: from}
	if op, ok := node.Op.(*bundle.Mul); ok {
		rows, err := l.mul(ctx, &m, op, in)
		if err != nil {
			return layer{}, err
		}
		return l.linear(rows, from), nil
	}
	x, err := l.joined(in)
	if err != nil {
		return layer{}, err
	}
	x.name = node.Name
	switch op := node.Op.(type) {
	case *bundle.Reshape:
		return x, nil
	case *bundle.Concat:
		x.linearNode = from
		return x, nil
	case bundle.Linear:
		rows := op.Rows(l.program.InShapes(i)...)
		if x.rows != nil {
			if rows, err = compose(ctx, rows, x.rows); err != nil {
				return layer{}, err
			}
		}
		x.rows, x.linearNode = rows, from
		return x, nil
	case *bundle.Recurrent:
		rows, err := l.unroll(ctx, op, &x, l.bounds[in[0]], l.program.InShape(i), from)
		if err != nil {
			return layer{}, err
		}
		return l.linear(rows, from), nil
	}
	f := elementwise(node.Op)
	if f == nil {
		return layer{}, fmt.Errorf("no encrypted form of operation %s", node.Kind())
	}
	x.tableNode = from
	if err := l.add(x, l.bounds[in[0]], f); err != nil {
		return layer{}, err
	}
	return l.next(l.layers[len(l.layers)-1].first), nil
}

// mul is the product of the tensors in.
func (l *lowering) mul(ctx context.Context, m *maker, op *bundle.Mul, in []int) (*bundle.Rows, error) {
	x, err := l.onValues(in[0])
	if err != nil {
		return nil, err
	}
	if in[0] == in[1] {
		return m.square(op, x, l.bounds[in[0]])
	}
	y, err := l.onValues(in[1])
	if err != nil {
		return nil, err
	}
	return m.product(ctx, op, x, y, join(l.bounds[in[0]], l.bounds[in[1]]))
}

// joined is the concatenation of the tensors in, of the values from number 0 on where
// there are several.
func (l *lowering) joined(in []int) (layer, error) {
	if len(in) == 1 {
		return l.tensors[in[0]], nil
	}
	var parts []*bundle.Rows
	for _, t := range in {
		x, err := l.onValues(t)
		if err != nil {
			return layer{}, err
		}
		parts = append(parts, x)
	}
	x := l.next(0)
	x.rows = concatenate(parts)
	return x, nil
}

// onValues is what tensor t is of the values from number 0 on.
func (l *lowering) onValues(t int) (*bundle.Rows, error) {
	return l.tensors[t].onValues(l.bounds[t].Lo.Len())
}

// linear is the tensor that rows make of the values from number 0 on.
func (c *circuit) linear(rows *bundle.Rows, node int) layer {
	x := c.next(0)
	x.rows, x.linearNode = rows, node
	return x
}
