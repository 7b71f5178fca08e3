package bgvlut

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/parts"
)

// stage is a linear map, a table on each of its outputs, and a sum over windows
// of those. Each may be absent.
type stage struct {
	from  parts.List // what it reads
	to    int        // the buffer that it makes
	last  bool       // it makes the program's outputs
	round int        // the largest number of tables on a way to it from the input

	rows  *bundle.Rows        // nil: identity
	table *bundle.LookupTable // nil: identity
	pool  *bundle.Rows        // nil: identity; no input in two windows
	node  struct{ rows, table, pool int }

	inputs, between, outputs int           // elements: in, after rows, out
	domain                   bundle.Bounds // of the table's inputs
	norms, poolNorms         parts.Norms   // of rows and pool
}

const noNode = -1

// inputBuffer is the program's input. Every stage makes another buffer.
const inputBuffer = 0

// lower turns a program of linear maps and tables into stages, round by round. The
// tables of one round are evaluated on the same levels: no table reads another one's
// output there. Reshape, Slice and Concat are no work: they are which elements a stage
// reads. Maxima and products become tables, see bundle.LowerMaxPool and product; node
// numbers refer to p all the same.
func lower(ctx context.Context, p *bundle.Program) ([]stage, error) {
	bounds, err := p.Bounds()
	if err != nil {
		return nil, err
	}
	if err := carried.Check(p); err != nil {
		return nil, err
	}
	lowered, origin, err := p.LowerMaxPool()
	if err != nil {
		return nil, &he.InsufficientError{Backend: "bgvlut", Cause: err}
	}
	if lowered != p {
		if bounds, err = lowered.Bounds(); err != nil {
			return nil, err
		}
	}
	g, err := lowered.Graph()
	if err != nil {
		return nil, err
	}
	n := bundle.Size(lowered.Input.Shape)
	l := lowering{}
	tensors := []value{{Value: parts.Value{Parts: parts.All(inputBuffer, n)}, bounds: lowered.Input.Bounds()}}
	for i := range lowered.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var in []value
		for _, t := range g.Inputs[i] {
			in = append(in, tensors[t])
		}
		out, err := l.node(&lowered.Nodes[i], origin[i], in, lowered.InShapes(i))
		if err != nil {
			return nil, err
		}
		out.bounds = bounds[i]
		out.Sole = out.Sole && len(g.Readers(i+1)) == 1
		tensors = append(tensors, out)
	}
	return l.finish(tensors[len(lowered.Nodes)]), nil
}

// value is a tensor of the program, whose parts are there from the round of its depth on.
type value struct {
	parts.Value
	bounds bundle.Bounds
}

// lowering is the state of lower.
type lowering struct{ stages []stage }

// node lowers a node on the values of its inputs.
func (l *lowering) node(n *bundle.Node, origin int, in []value, shapes [][]int) (value, error) {
	joined := join(in...)
	if view, ok := parts.View(n.Op, joined.Value, shapes[0]); ok {
		return value{Value: view}, nil
	}
	switch op := n.Op.(type) {
	case *bundle.LookupTable:
		return l.table(op, origin, joined, in[0].bounds), nil
	case *bundle.Mul:
		return l.product(n, op, origin, in[0], in[1])
	case *bundle.SumPool:
		return l.pool(op.Rows(shapes...), origin, joined), nil
	case bundle.Linear:
		return l.linear(op.Rows(shapes...), origin, joined), nil
	}
	return value{}, fmt.Errorf("bgvlut: layer %q: operation %s is not supported beside lookup tables by the exact batch executor", n.Name, n.Kind())
}

// join is the concatenation of values.
func join(in ...value) value {
	all := make([]parts.Value, len(in))
	for i, v := range in {
		all[i] = v.Value
	}
	return value{Value: parts.Concat(all...)}
}

// push appends a stage, with a buffer for what it makes.
func (l *lowering) push(s stage, v value) *stage {
	s.node.rows, s.node.table, s.node.pool = noNode, noNode, noNode
	s.from, s.round, s.inputs = v.Parts, v.Depth, v.Parts.Len()
	s.between = s.inputs
	if s.rows != nil {
		s.between, s.norms = s.rows.Outputs(), parts.NewNorms(s.rows, s.from)
	}
	s.outputs = s.between
	s.to = len(l.stages) + 1
	l.stages = append(l.stages, s)
	return &l.stages[len(l.stages)-1]
}

// made is the value that a stage makes.
func (s *stage) made() value {
	round := s.round
	if s.table != nil {
		round++
	}
	return value{Value: parts.Value{Parts: parts.All(s.to, s.outputs), Depth: round, Sole: true}}
}

func (l *lowering) size(buffer int) int {
	if buffer == inputBuffer {
		return 0
	}
	return l.stages[buffer-1].outputs
}

// open is the last stage if it makes v, and nothing else reads that; or nil.
func (l *lowering) open(v value) *stage {
	b, ok := v.Parts.Whole(l.size)
	if !ok || !v.Sole || b != len(l.stages) || b == inputBuffer {
		return nil
	}
	return &l.stages[b-1]
}

func (l *lowering) table(t *bundle.LookupTable, node int, v value, domain bundle.Bounds) value {
	s := l.open(v)
	if s == nil || s.table != nil {
		s = l.push(stage{}, v)
	}
	s.table, s.node.table, s.domain = t, node, domain
	return s.made()
}

func (l *lowering) linear(r *bundle.Rows, node int, v value) value {
	s := l.push(stage{rows: r}, v)
	s.node.rows = node
	return s.made()
}

func (l *lowering) pool(r *bundle.Rows, node int, v value) value {
	if s := l.open(v); s != nil && s.table != nil && s.pool == nil && r.Disjoint() {
		s.pool, s.node.pool = r, node
		s.outputs, s.poolNorms = r.Outputs(), parts.NewNorms(r, parts.All(s.to, r.Inputs))
		return s.made()
	}
	return l.linear(r, node, v)
}

// finish is the stages round by round; the last one makes all outputs, in order.
func (l *lowering) finish(out value) []stage {
	slices.SortStableFunc(l.stages, func(a, b stage) int { return cmp.Compare(a.round, b.round) })
	n := len(l.stages)
	size := func(b int) int {
		if i := slices.IndexFunc(l.stages, func(s stage) bool { return s.to == b }); i >= 0 {
			return l.stages[i].outputs
		}
		return 0
	}
	if b, ok := out.Parts.Whole(size); !ok || n == 0 || l.stages[n-1].to != b {
		if n > 0 {
			out.Depth = max(out.Depth, l.stages[n-1].round)
		}
		l.push(stage{}, out)
	}
	l.stages[len(l.stages)-1].last = true
	return l.stages
}

// chained reports whether the stage, number i, reads all that the one before it makes, as
// every stage of a chain of layers does.
func (s *stage) chained(i int) bool {
	return s.to == i+1 && len(s.from) == 1 && s.from[0].Buffer == i && s.from[0].From == 0
}
