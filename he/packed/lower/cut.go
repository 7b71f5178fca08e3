package lower

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"qtool/bundle"
)

// Fusion is a program fused but for edges that are cut: the segments are what Fuse makes
// of the cuts.
type Fusion struct {
	Segments []Segment
	Cuts     []Edge
}

// Fuse fuses p but for the edges that are cut, and no further; p must have passed its Check. It
// returns the same kinds of errors as Segments.
func Fuse(ctx context.Context, p *bundle.Program, edges []Edge) ([]Segment, error) {
	g, err := p.Graph()
	if err != nil {
		return nil, err
	}
	c := cuts{}
	for _, e := range edges {
		if e[0] < 0 || e[0] >= len(p.Nodes) || e[1] < 0 || e[1] >= len(g.Inputs[e[0]]) || g.Inputs[e[0]][e[1]] == 0 || c[e] {
			return nil, fmt.Errorf("packed: input %d of node %d cannot be cut, or is cut twice", e[1], e[0])
		}
		c[e] = true
	}
	f, err := fuseAt(ctx, p, c)
	if err != nil {
		return nil, err
	}
	return f.segments, nil
}

// Fusions are the ways to fuse p that are worth trying; of a chain there is one. Fused
// as far as it goes, every map reads activations and the input alone, and a tensor that
// several layers read is part of the map of each. Where a branch has primes to spare,
// such a tensor may be made once, by a segment with a map and no activation, without
// making the program deeper. p must have passed its Check; Cut returns the same
// kinds of errors as Segments.
func Fusions(ctx context.Context, p *bundle.Program) ([]Fusion, error) {
	first, err := fuse(ctx, p, cuts{})
	if err != nil {
		return nil, err
	}
	all := []Fusion{first}
	g, err := p.Graph()
	if err != nil {
		return nil, err
	}
	if cuts := freeCuts(p, g); len(cuts) > 0 {
		second, err := fuse(ctx, p, cuts)
		if err != nil {
			return nil, err
		}
		all = append(all, second)
	}
	return all, nil
}

// Edge is a node's number, and which of its inputs.
type Edge [2]int

// cuts are the edges that read a tensor which is made once.
type cuts map[Edge]bool

// sorted are the edges in ascending order.
func (c cuts) sorted() []Edge {
	return slices.SortedFunc(maps.Keys(c), func(a, b Edge) int { return slices.Compare(a[:], b[:]) })
}

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
				e := Edge{i, k}
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
			if c[Edge{i, k}] {
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
		if f.cuts[Edge{i, k}] {
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
		if f.g.Inputs[e[0]][e[1]] == i+1 {
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
		if e := (Edge{i, k}); !f.cuts[e] && f.tensors[t].m != nil {
			f.cuts[e], any = true, true
		}
	}
	return any
}
