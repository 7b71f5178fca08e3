package bgv

import (
	"context"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/parts"
)

// maxDegree bounds the degree of a ciphertext, far above what any noise budget
// allows.
const maxDegree = 256

const noNode = -1

// isProduct reports whether op multiplies ciphertexts. Polynomials of degree 1 are
// linear.
func isProduct(op bundle.Op) bool {
	if _, ok := op.(*bundle.Mul); ok {
		return true
	}
	p, ok := op.(*bundle.Polynomial)
	return ok && p.Degree() > 1
}

// lower turns a program into segments. The depth of a tensor is the largest number of
// products on a way to it from the input, and D the output's. There are D segments, or
// one where D is 0. Segment d does the products on tensors of depth d, and behind them
// the pools and sums of what it has made; other operations on tensors of depth d > 0
// belong to segment min(d, D-1), behind a rescale. Reshape, Slice and Concat are no
// work: they are which parts of buffers a stage reads.
//
// It returns an error that names the layer where a ciphertext's degree passes
// maxDegree, and ctx's once that is done.
func lower(ctx context.Context, p *bundle.Program) (*circuit, error) {
	g, err := p.Graph()
	if err != nil {
		return nil, err
	}
	n := bundle.Size(p.Input.Shape)
	l := lowering{circuit: &circuit{buffers: []buffer{{elements: n, degree: 1, power: 1}}}, deepest: depth(p, g), latest: noNode}
	l.segments = make([]segment, max(1, l.deepest))
	tensors := []value{{Parts: parts.All(inputBuffer, n)}}
	for i := range p.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var in []value
		for _, t := range g.Inputs[i] {
			in = append(in, tensors[t])
		}
		out, err := l.node(&p.Nodes[i], i, in, p.InShapes(i), g.Inputs[i])
		if err != nil {
			return nil, err
		}
		if d := l.buffers[len(l.buffers)-1].degree; d > maxDegree {
			return nil, he.Insufficient("bgv", p.Nodes[i].Name, "ciphertext degree %d passes the limit of %d", d, maxDegree)
		}
		out.Sole = out.Sole && len(g.Readers(i+1)) == 1
		tensors = append(tensors, out)
	}
	l.finish(tensors[len(p.Nodes)])
	return l.circuit, nil
}

// depth is the largest number of products on a way from the input to the output.
func depth(p *bundle.Program, g *bundle.Graph) int {
	all := make([]int, len(p.Nodes)+1)
	for i, in := range g.Inputs {
		for _, t := range in {
			all[i+1] = max(all[i+1], all[t])
		}
		if isProduct(p.Nodes[i].Op) {
			all[i+1]++
		}
	}
	return all[len(p.Nodes)]
}

// value is a tensor of the program; its depth is in products.
type value = parts.Value

// lowering is the state of lower.
type lowering struct {
	*circuit
	deepest int
	latest  int // the buffer of the stage that was made last, or noNode
}

// node lowers node i on the values of its inputs, whose tensors have the numbers
// tensors.
func (l *lowering) node(n *bundle.Node, i int, in []value, shapes [][]int, tensors []int) (value, error) {
	joined := parts.Concat(in...)
	if view, ok := parts.View(n.Op, joined, shapes[0]); ok {
		return view, nil
	}
	switch op := n.Op.(type) {
	case *bundle.Polynomial:
		return l.polynomial(op, i, joined), nil
	case *bundle.Mul:
		if tensors[0] == tensors[1] {
			return l.polynomial(bundle.Square(), i, in[0]), nil
		}
		return l.product(i, in[0], in[1]), nil
	case *bundle.SumPool:
		return l.pool(op.Rows(shapes...), i, joined), nil
	case *bundle.Add:
		return l.linear(op, op.Rows(shapes...), i, joined, l.made(joined)), nil
	case bundle.Linear:
		return l.linear(op, op.Rows(shapes...), i, joined, l.behind(joined)), nil
	}
	return value{}, fmt.Errorf("bgv: layer %q: operation %s is not supported by the exact batch executor", n.Name, n.Kind())
}

// made is the first segment in which all of v is there.
func (l *lowering) made(v value) int {
	last := 0
	for _, p := range v.Parts {
		last = max(last, l.buffers[p.Buffer].made)
	}
	return last
}

// behind is the segment of an operation on v that had better come behind a rescale of
// the products that v is made of.
func (l *lowering) behind(v value) int { return max(0, min(v.Depth, l.deepest-1)) }

// size is the elements of a buffer.
func (c *circuit) size(buffer int) int { return c.buffers[buffer].elements }

// open is the stage that made v if another operation in the same segment can be fused
// to it, or nil: it is the latest, and nothing else reads v.
func (l *lowering) open(v value, segment int) *stage {
	b, ok := v.Parts.Whole(l.size)
	if !ok || !v.Sole || b != l.latest || l.buffers[b].made != segment {
		return nil
	}
	stages := l.segments[segment].stages
	if s := &stages[len(stages)-1]; s.by == nil {
		return s
	}
	return nil
}

// push appends a stage to a segment, with a new buffer for what it makes.
func (l *lowering) push(segment int, s stage, rows, poly, pool int) value {
	s.node.rows, s.node.poly, s.node.pool = rows, poly, pool
	s.inputs, s.inDegree = s.from.elements, s.from.degree
	s.between = s.inputs
	if s.rows != nil {
		s.between = s.rows.Outputs()
		s.norms = parts.NewNorms(s.rows, s.from.parts)
	}
	s.outputs = s.between
	s.to, l.latest = len(l.buffers), len(l.buffers)
	l.buffers = append(l.buffers, buffer{elements: s.outputs, made: segment})
	l.segments[segment].stages = append(l.segments[segment].stages, s)
	l.raise(&l.segments[segment].stages[len(l.segments[segment].stages)-1])
	return value{Parts: parts.All(s.to, s.outputs), Sole: true}
}

// raise sets what the stage's products make of degree and power.
func (l *lowering) raise(s *stage) {
	b := &l.buffers[s.to]
	b.degree, b.power = s.from.degree, s.from.power
	switch {
	case s.by != nil:
		b.degree, b.power = b.degree+s.by.degree, b.power+s.by.power
	case s.poly != nil:
		b.degree, b.power = b.degree*s.poly.Degree(), b.power*s.poly.Degree()
	}
	s.outDegree = b.degree
}

func (l *lowering) polynomial(p *bundle.Polynomial, node int, v value) value {
	at := l.behind(v)
	depth := v.Depth
	if p.Degree() > 1 {
		depth++
	}
	if s := l.open(v, at); s != nil && s.poly == nil && s.pool == nil {
		s.poly, s.node.poly = p, node
		l.raise(s)
		v.Depth = depth
		return v
	}
	out := l.push(at, stage{from: l.source(at, v.Parts), poly: p}, noNode, node, noNode)
	out.Depth = depth
	return out
}

func (l *lowering) product(node int, x, y value) value {
	at := max(l.behind(x), l.behind(y))
	by := l.source(at, y.Parts)
	out := l.push(at, stage{from: l.source(at, x.Parts), by: &by}, noNode, node, noNode)
	out.Depth = max(x.Depth, y.Depth) + 1
	return out
}

// channels is how many parts of a linear map's outputs there are, and how many of them
// one behind the other read the same inputs.
func channels(op bundle.Linear) (parts, group int) {
	switch op := op.(type) {
	case *bundle.Conv2D:
		return op.Outputs, op.Outputs / max(1, op.Groups)
	case *bundle.Dense:
		return op.Units, op.Units
	}
	return 1, 1
}

func (l *lowering) pool(r *bundle.Rows, node int, v value) value {
	at := l.made(v)
	if s := l.open(v, at); s != nil && s.pool == nil && r.Disjoint() {
		s.pool, s.node.pool = r, node
		s.outputs = r.Outputs()
		s.poolNorms = parts.NewNorms(r, parts.All(0, r.Inputs))
		l.buffers[s.to].elements = s.outputs
		return value{Parts: parts.All(s.to, s.outputs), Depth: v.Depth, Sole: true}
	}
	return l.linear(nil, r, node, v, at)
}

func (l *lowering) linear(op bundle.Linear, r *bundle.Rows, node int, v value, at int) value {
	norm := 0.0
	for _, w := range r.W {
		norm += math.Abs(float64(w))
	}
	s := stage{from: l.source(at, v.Parts), rows: r, norm: norm}
	s.channels, s.group = channels(op)
	out := l.push(at, s, node, noNode, noNode)
	out.Depth = v.Depth
	return out
}
