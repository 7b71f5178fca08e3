package lower

import (
	"context"

	"qtool/bundle"
)

// Fusions are the ways to fuse p that are worth trying; of a chain there is one. Fused
// as far as it goes, every map reads activations and the input alone, and a tensor that
// several layers read is part of the map of each. Where a branch has primes to spare,
// such a tensor may be made once, by a segment with a map and no activation, without
// making the program deeper. p must have passed its Check; Cut returns the same
// kinds of errors as Segments.
func Fusions(ctx context.Context, p *bundle.Program) ([][]Segment, error) {
	segments, err := Segments(ctx, p)
	if err != nil {
		return nil, err
	}
	all := [][]Segment{segments}
	g, err := p.Graph()
	if err != nil {
		return nil, err
	}
	if cuts := freeCuts(p, g); len(cuts) > 0 {
		if segments, err = fuse(ctx, p, cuts); err != nil {
			return nil, err
		}
		all = append(all, segments)
	}
	return all, nil
}

// edge is input number input of a node.
type edge struct{ node, input int }

// cuts are the edges that read a tensor which is made once.
type cuts map[edge]bool

// freeCuts are the edges that may read a shared tensor without making p deeper.
func freeCuts(p *bundle.Program, g *bundle.Graph) cuts {
	chosen := cuts{}
	least := chosen.depth(p, g)
	for t := 1; t < len(p.Nodes); t++ {
		if !linear(&p.Nodes[t-1]) || len(g.Readers(t)) < 2 {
			continue
		}
		for _, i := range g.Readers(t) {
			for k, from := range g.Inputs[i] {
				if from != t {
					continue
				}
				e := edge{i, k}
				chosen[e] = true
				if chosen.depth(p, g) > least {
					delete(chosen, e)
				}
			}
		}
	}
	return chosen
}

// linear reports whether a node is a map that is worth making once.
func linear(n *bundle.Node) bool {
	switch op := n.Op.(type) {
	case *bundle.Concat, *bundle.Slice:
		return false
	case *bundle.Polynomial:
		return op.Degree() == 1
	case bundle.Linear:
		return true
	}
	return false
}

// depth is the primes that p takes: two an activation with the map in front of it, one a
// tensor that is made for the edges that are cut.
func (c cuts) depth(p *bundle.Program, g *bundle.Graph) int {
	d := make([]int, len(p.Nodes)+1)
	for i := range p.Nodes {
		for k, t := range g.Inputs[i] {
			in := d[t]
			if c[edge{i, k}] {
				in++
			}
			d[i+1] = max(d[i+1], in)
		}
		switch op := p.Nodes[i].Op.(type) {
		case *bundle.Mul:
			d[i+1] += 2
		case *bundle.Polynomial:
			if op.Degree() > 1 {
				d[i+1] += 2
			}
		}
	}
	return d[len(p.Nodes)]
}

// read are the tensors that node i reads.
func (f *fuser) read(i int) []*expression {
	var all []*expression
	for k, t := range f.g.Inputs[i] {
		if f.cuts[edge{i, k}] {
			all = append(all, f.made[t])
		} else {
			all = append(all, f.tensors[t])
		}
	}
	return all
}

// make adds a segment that makes the tensor of node i where an edge that is cut reads
// it, and it is not what a segment makes anyhow.
func (f *fuser) make(i int) {
	for e := range f.cuts {
		if f.g.Inputs[e.node][e.input] == i+1 {
			if f.made[i+1] = f.tensors[i+1]; f.tensors[i+1].m != nil {
				f.made[i+1] = f.add(Segment{Linear: i}, f.tensors[i+1], i)
			}
			return
		}
	}
}

// cutAt cuts what node i reads, and reports whether there was anything to cut.
func (f *fuser) cutAt(i int) bool {
	any := false
	for k, t := range f.g.Inputs[i] {
		if e := (edge{i, k}); !f.cuts[e] && f.tensors[t].m != nil {
			f.cuts[e], any = true, true
		}
	}
	return any
}
