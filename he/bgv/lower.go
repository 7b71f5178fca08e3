package bgv

import (
	"context"
	"fmt"
	"math"

	"qtool/bundle"
)

// stage is the unit of evaluation on a tile: a linear map, a polynomial on each
// of its outputs, and a sum over windows of those. Each may be absent. They run
// fused, one output at a time, so that the tensors in between never exist.
type stage struct {
	rows *bundle.Rows       // nil: identity
	poly *bundle.Polynomial // nil: identity
	pool *bundle.Rows       // nil: identity; all weights 1, no input in two windows
	node struct{ rows, poly, pool int }

	inputs, between, outputs int // elements: in, after rows, out
	// channels is how many equal parts the outputs come in that read the same
	// inputs at the same places.
	channels            int
	inDegree, outDegree int     // of the ciphertexts
	norm                float64 // sum of rows' magnitudes
}

// segment is what happens between two rescales.
type segment struct {
	stages []stage
}

func (s *segment) first() *stage { return &s.stages[0] }
func (s *segment) last() *stage  { return &s.stages[len(s.stages)-1] }

// maxDegree bounds the degree of a ciphertext, far above what any noise budget
// allows.
const maxDegree = 256

// lower turns a program into segments. A new one begins at the first operation
// after a polynomial of degree two or more, and the pools on it, as long as
// another such polynomial follows; degree-1 polynomials are linear.
func lower(ctx context.Context, p *bundle.Program) ([]segment, error) {
	products := 0
	for i := range p.Nodes {
		if isProduct(p.Nodes[i].Op) {
			products++
		}
	}
	l := lowering{degree: 1, elements: bundle.Size(p.Input.Shape)}
	cut := true
	for i := range p.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		op, in := p.Nodes[i].Op, p.InShape(i)
		_, isPool := op.(*bundle.SumPool)
		if _, ok := op.(*bundle.Reshape); ok {
			continue
		}
		if cut && (!isPool || len(l.segments) == 0) {
			l.segments = append(l.segments, segment{})
			cut = false
		}
		switch op := op.(type) {
		case *bundle.Polynomial:
			l.polynomial(op, i)
		case bundle.Linear:
			l.linear(op.Rows(in), isPool, channels(op), i)
		default:
			return nil, fmt.Errorf("bgv: layer %q: operation %s is not supported by the exact batch executor", p.Nodes[i].Name, p.Nodes[i].Kind())
		}
		if l.degree > maxDegree {
			return nil, fmt.Errorf("bgv: layer %q: ciphertext degree %d passes the limit of %d: %w", p.Nodes[i].Name, l.degree, maxDegree, ErrInsufficient)
		}
		if isProduct(op) {
			products--
			cut = products > 0
		}
	}
	if len(l.segments) == 0 { // nothing but reshapes
		l.segments = append(l.segments, segment{})
		l.push(stage{inputs: l.elements, between: l.elements, outputs: l.elements}, noNode, noNode, noNode)
	}
	return l.segments, nil
}

const noNode = -1

func isProduct(op bundle.Op) bool {
	p, ok := op.(*bundle.Polynomial)
	return ok && p.Degree() > 1
}

// lowering is the state of lower: the tensor it has come to.
type lowering struct {
	segments         []segment
	elements, degree int
}

func (l *lowering) push(s stage, rows, poly, pool int) {
	s.node.rows, s.node.poly, s.node.pool = rows, poly, pool
	s.inDegree, s.outDegree = l.degree, l.degree
	if s.poly != nil {
		s.outDegree *= s.poly.Degree()
	}
	l.degree, l.elements = s.outDegree, s.outputs
	at := &l.segments[len(l.segments)-1]
	at.stages = append(at.stages, s)
}

// open is the last stage of the current segment, or nil.
func (l *lowering) open() *stage {
	at := &l.segments[len(l.segments)-1]
	if len(at.stages) == 0 {
		return nil
	}
	return at.last()
}

func (l *lowering) polynomial(p *bundle.Polynomial, node int) {
	if s := l.open(); s != nil && s.poly == nil && s.pool == nil {
		s.poly, s.node.poly = p, node
		s.outDegree *= p.Degree()
		l.degree = s.outDegree
		return
	}
	n := l.elements
	l.push(stage{poly: p, inputs: n, between: n, outputs: n}, noNode, node, noNode)
}

// channels is how many parts of a linear map's outputs read the same inputs.
func channels(op bundle.Linear) int {
	switch op := op.(type) {
	case *bundle.Conv2D:
		return op.Outputs
	case *bundle.Dense:
		return op.Units
	}
	return 1
}

func (l *lowering) linear(r *bundle.Rows, isPool bool, channels, node int) {
	if s := l.open(); isPool && s != nil && s.pool == nil && r.Disjoint() {
		s.pool, s.node.pool = r, node
		s.outputs, l.elements = r.Outputs(), r.Outputs()
		return
	}
	norm := 0.0
	for _, w := range r.W {
		norm += math.Abs(float64(w))
	}
	l.push(stage{rows: r, norm: norm, inputs: r.Inputs, between: r.Outputs(), outputs: r.Outputs(), channels: channels}, node, noNode, noNode)
}
