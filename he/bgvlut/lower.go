package bgvlut

import (
	"context"
	"fmt"

	"qtool/bundle"
)

// stage is a linear map, a table on each of its outputs, and a sum over windows
// of those. Each may be absent.
type stage struct {
	rows  *bundle.Rows        // nil: identity
	table *bundle.LookupTable // nil: identity
	pool  *bundle.Rows        // nil: identity; no input in two windows
	node  struct{ rows, table, pool int }

	inputs, between, outputs int           // elements: in, after rows, out
	domain                   bundle.Bounds // of the table's inputs
}

const noNode = -1

// lower turns a program of linear maps and tables into stages.
func lower(ctx context.Context, p *bundle.Program, bounds []bundle.Bounds) ([]stage, error) {
	l := lowering{elements: bundle.Size(p.Input.Shape), bounds: p.Input.Bounds()}
	for i := range p.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch op := p.Nodes[i].Op.(type) {
		case *bundle.Reshape:
		case *bundle.LookupTable:
			l.table(op, i)
		case bundle.Linear:
			_, isPool := op.(*bundle.SumPool)
			l.linear(op.Rows(p.InShape(i)), isPool, i)
		default:
			return nil, fmt.Errorf("bgvlut: layer %q: operation %s is not supported beside lookup tables by the exact batch executor", p.Nodes[i].Name, p.Nodes[i].Kind())
		}
		l.bounds = bounds[i]
	}
	if len(l.stages) == 0 { // nothing but reshapes
		l.push(stage{}, l.elements)
	}
	return l.stages, nil
}

// lowering is the state of lower: the tensor it has come to.
type lowering struct {
	stages   []stage
	elements int
	bounds   bundle.Bounds
}

func (l *lowering) push(s stage, between int) *stage {
	s.node.rows, s.node.table, s.node.pool = noNode, noNode, noNode
	s.inputs, s.between, s.outputs = l.elements, between, between
	l.elements = between
	l.stages = append(l.stages, s)
	return &l.stages[len(l.stages)-1]
}

// open is the last stage, or nil.
func (l *lowering) open() *stage {
	if len(l.stages) == 0 {
		return nil
	}
	return &l.stages[len(l.stages)-1]
}

func (l *lowering) table(t *bundle.LookupTable, node int) {
	s := l.open()
	if s == nil || s.table != nil {
		s = l.push(stage{}, l.elements)
	}
	s.table, s.node.table, s.domain = t, node, l.bounds
}

func (l *lowering) linear(r *bundle.Rows, isPool bool, node int) {
	if s := l.open(); isPool && s != nil && s.table != nil && s.pool == nil && r.Disjoint() {
		s.pool, s.node.pool = r, node
		s.outputs, l.elements = r.Outputs(), r.Outputs()
		return
	}
	l.push(stage{rows: r}, r.Outputs()).node.rows = node
}
