package bundle

import "fmt"

// Runner evaluates a program on plain integers: the reference every other
// executor is held against. It is safe for concurrent use.
type Runner struct {
	p      *Program
	graph  *Graph
	input  Bounds
	rows   []*Rows   // per node; nil where the node is not linear
	loops  []*loop   // per node; nil where it is not a Recurrent
	shapes [][][]int // per node, of its inputs
	bounds []Bounds
}

// NewRunner checks and lowers p.
func NewRunner(p *Program) (*Runner, error) {
	bounds, err := p.Bounds()
	if err != nil {
		return nil, err
	}
	g, err := p.Graph()
	if err != nil {
		return nil, err
	}
	r := &Runner{p: p, graph: g, input: p.Input.Bounds(), rows: make([]*Rows, len(p.Nodes)), loops: make([]*loop, len(p.Nodes)), bounds: bounds}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		shapes := p.shapesOf(g.Inputs[i])
		r.shapes = append(r.shapes, shapes)
		switch op := n.Op.(type) {
		case *Concat, *Slice: // a copy is quicker than rows
		case Linear:
			r.rows[i] = op.Rows(shapes...)
		case *Recurrent:
			in := r.input
			if t := g.Inputs[i][0]; t > 0 {
				in = bounds[t-1]
			}
			if r.loops[i], err = newLoop(op, in, shapes[0]); err != nil {
				return nil, fmt.Errorf("bundle: layer %q: %w", n.Name, err)
			}
		}
	}
	return r, nil
}

// Run returns the program's logits for one input vector, exactly. visit, if not
// nil, is called with every node's tensor in order and must not keep or change
// it. Run returns an error, and no logits, for an input of the wrong length or
// outside the quantizer's grid, and if an element leaves its static bound (which
// no other input can cause), nor a Domain, which an input can cause: that error
// wraps ErrDomain.
func (r *Runner) Run(in Vec, visit func(node int, out Vec)) (Vec, error) {
	return r.run(in, visit, nil)
}

func (r *Runner) run(in Vec, visit func(node int, out Vec), inner func(node, step, body int, out Vec)) (Vec, error) {
	if n := r.input.Lo.Len(); in.Len() != n {
		return Vec{}, fmt.Errorf("bundle: input has %d elements, the program takes %d", in.Len(), n)
	}
	if i, ok := r.input.Contains(in); !ok {
		return Vec{}, fmt.Errorf("bundle: input element %d is %v, outside the quantizer's grid", i, in.At(i))
	}
	tensors := make([]Vec, len(r.p.Nodes)+1)
	tensors[0] = in
	for i := range r.p.Nodes {
		n := &r.p.Nodes[i]
		v := gather(tensors, r.graph.Inputs[i])
		switch {
		case r.rows[i] != nil:
			v = r.rows[i].apply(v)
		case r.loops[i] != nil:
			var within func(step, body int, out Vec)
			if inner != nil {
				within = func(step, body int, out Vec) { inner(i, step, body, out) }
			}
			var err error
			if v, err = r.loops[i].run(v, within); err != nil {
				return Vec{}, fmt.Errorf("bundle: layer %q: %w", n.Name, err)
			}
		default:
			v = n.Op.apply(v, r.shapes[i])
		}
		if at, ok := r.bounds[i].Contains(v); !ok {
			return Vec{}, fmt.Errorf("bundle: layer %q: element %d is %v, outside its static bound", n.Name, at, v.At(at))
		}
		if visit != nil {
			visit(i, v)
		}
		tensors[i+1] = v
		for _, t := range r.graph.Inputs[i] {
			if r.graph.LastUse[t] == i {
				tensors[t] = Vec{}
			}
		}
	}
	return tensors[len(r.p.Nodes)], nil
}

// Argmax is the label index with the largest real logit Scale*q, computed in
// float64; the lowest index wins a tie.
func (n *Node) Argmax(logits Vec) int {
	best, at := 0.0, -1
	for i := range logits.Len() {
		if r := n.Real(logits, i); at < 0 || r > best {
			best, at = r, i
		}
	}
	return at
}

// Real is the real value of element i of the node's tensor v.
func (n *Node) Real(v Vec, i int) float64 {
	return n.Scale[i*len(n.Scale)/v.Len()] * v.Float(i)
}
