package lower

import (
	"context"
	"errors"
	"fmt"

	"qtool/bundle"
)

// Segment is a linear map, fused from all linear operations between activations, and
// the activation behind it. It reads what other segments make and the program's input:
// a skip, a sum, a concatenation and a slice are part of the maps that read them.
type Segment struct {
	// Name is the name of the last linear node, or of the activation where there is none
	// or it is a product. Nodes is how many program nodes the segment has from First
	// on, its activation the last of them.
	Name         string
	First, Nodes int
	// Linear is the node whose values the map makes; -1 for the program's input, or a
	// node of another segment where the activation reads it. Factor is the node of a
	// product's second factor.
	Linear, Factor int
	Shape          []int // of the output
	// Sources are what the map reads, one behind the other, ascending: segments by
	// their numbers, or Input.
	Sources []int
	// Poly is the activation, of the node called Activation; nil for none. Product is
	// a product instead: the map makes both factors, one behind the other.
	Poly       *bundle.Polynomial
	Product    bool
	Activation string
	// Pool is a sum over disjoint classes of equal size, through which alone the
	// outputs are read; nil for none.
	Pool *Sum

	widths   []int   // elements of each source, or sums where it has a Pool
	rest     *Matrix // of those
	matrices map[string]*Matrix
}

// ErrOperation marks a program with an operation that packed ciphertexts don't
// carry.
var ErrOperation = errors.New("operation cannot be packed")

// fuser is a program that is being fused.
type fuser struct {
	ctx      context.Context
	p        *bundle.Program
	g        *bundle.Graph
	cuts     cuts
	tensors  []*expression       // by the numbers of g
	made     map[int]*expression // tensors that segments make for the edges that are cut
	pools    map[int]int         // segment whose Pool a node is
	segments []Segment
}

// Segments fuses p as far as weights of 62 bits go; p must have passed its Check.
// Segments come in an order in which each reads segments before it only; the last makes the
// output. The error is ctx's once that is done, or names a layer that cannot be packed.
func Segments(ctx context.Context, p *bundle.Program) ([]Segment, error) {
	f, err := fuse(ctx, p, cuts{})
	return f.Segments, err
}

// fuse fuses p but for the edges that are cut, and cuts what a layer reads that would
// make too large a map.
func fuse(ctx context.Context, p *bundle.Program, c cuts) (Fusion, error) {
	for {
		f, err := fuseAt(ctx, p, c)
		if err == nil {
			return Fusion{f.segments, f.cuts.sorted()}, nil
		}
		if !errors.Is(err, errFused) || !f.cutAt(len(f.tensors)-1) {
			return Fusion{}, err
		}
	}
}

// fuseAt fuses p but for the edges that are cut. Where it fails, the tensors are those
// of the nodes before.
func fuseAt(ctx context.Context, p *bundle.Program, c cuts) (*fuser, error) {
	if err := carried.Check(p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOperation, err)
	}
	g, err := p.Graph()
	if err != nil {
		return nil, err
	}
	f := &fuser{ctx: ctx, p: p, g: g, cuts: c, tensors: []*expression{{sources: []int{Input}}}, made: map[int]*expression{}, pools: map[int]int{}}
	for i := range p.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := f.node(i)
		if err != nil {
			return f, fmt.Errorf("packed: layer %q: %w", p.Nodes[i].Name, err)
		}
		f.tensors = append(f.tensors, e)
		f.make(i)
	}
	last := len(p.Nodes)
	if s := len(f.segments) - 1; s < 0 || f.segments[s].First+f.segments[s].Nodes < last {
		f.add(Segment{Linear: last - 1}, f.tensors[last], last-1)
	}
	return f, nil
}

// width is the elements of a source where it is read.
func (f *fuser) width(source int) int {
	if source == Input {
		return bundle.Size(f.p.Input.Shape)
	}
	return f.segments[source].width()
}

// width is the elements of the segment's output where it is read.
func (s *Segment) width() int {
	if s.Pool != nil {
		return bundle.Size(s.Pool.Shape)
	}
	return bundle.Size(s.Shape)
}

// node is the tensor that node i makes.
func (f *fuser) node(i int) (*expression, error) {
	n, in := &f.p.Nodes[i], f.g.Inputs[i]
	if k, ok := f.pools[i]; ok {
		return &expression{sources: []int{k}}, nil
	}
	read := f.read(i)
	switch op := n.Op.(type) {
	case *bundle.Polynomial:
		if op.Degree() == 1 {
			rows, ok := linearRows(op, bundle.Size(n.Shape))
			if !ok {
				return nil, fmt.Errorf("%w: a coefficient of a polynomial of degree 1 passes 62 bits", ErrOperation)
			}
			return read[0].behind(f.ctx, rows)
		}
		for _, row := range op.Coeffs {
			if row.Len() != 3 {
				return nil, fmt.Errorf("%w: polynomial %v has degree %d in a layer of degree %d, only squares and quadratics can be packed", ErrOperation, row, row.Len()-1, op.Degree())
			}
		}
		return f.add(Segment{Linear: in[0] - 1, Poly: op}, read[0], i), nil
	case *bundle.Mul:
		if op.Shift > 0 {
			return nil, fmt.Errorf("%w: %s rounds by a shift of %d, only exact products can be packed", ErrOperation, n.Kind(), op.Shift)
		}
		if in[0] == in[1] {
			return f.add(Segment{Linear: in[0] - 1, Poly: bundle.Square()}, read[0], i), nil
		}
		return f.add(Segment{Linear: in[0] - 1, Factor: in[1] - 1, Product: true}, join(read, f.width), i), nil
	case bundle.Linear:
		joined := join(read, f.width)
		if joined.sources[0] == Input {
			return joined.behind(f.ctx, support(op, f.p.InShapes(i)))
		}
		return joined.behind(f.ctx, fromRows(op.Rows(f.p.InShapes(i)...)))
	case *bundle.Reshape:
		return read[0], nil
	case *bundle.Shift:
		if op.Bits == 0 {
			return read[0], nil
		}
		return nil, fmt.Errorf("%w: %s rounds %d bits away", ErrOperation, n.Kind(), op.Bits)
	}
	return nil, fmt.Errorf("%w: %s is neither linear nor a polynomial nor a product", ErrOperation, n.Kind())
}

// add appends a segment that ends with node i and reads e.
func (f *fuser) add(s Segment, e *expression, i int) *expression {
	k := len(f.segments)
	if k > 0 {
		s.First = f.segments[k-1].First + f.segments[k-1].Nodes
	}
	s.Nodes = i + 1 - s.First
	s.Name, s.Shape = f.p.Nodes[i].Name, f.p.Nodes[i].Shape
	if s.Poly != nil || s.Product {
		s.Activation = s.Name
		if s.Linear >= s.First && !s.Product {
			s.Name = f.p.Nodes[s.Linear].Name
		}
	}
	s.Sources, s.rest, s.matrices = e.sources, e.matrix(f.width), map[string]*Matrix{}
	for _, source := range e.sources {
		s.widths = append(s.widths, f.width(source))
	}
	f.segments = append(f.segments, s)
	if s.Activation != "" {
		f.pool(k, i+1)
	}
	return &expression{sources: []int{k}}
}

// pool finds the sum over classes that alone reads tensor t, which segment k makes.
func (f *fuser) pool(k, t int) {
	for {
		readers := f.g.Readers(t)
		if len(readers) != 1 {
			return
		}
		i := readers[0]
		switch op := f.p.Nodes[i].Op.(type) {
		case *bundle.Reshape:
			t = i + 1
			continue
		case bundle.Linear:
			if len(f.g.Inputs[i]) == 1 {
				sum := classes(op.Rows(f.p.InShapes(i)...), f.p.Nodes[i].Shape)
				if sum != nil && (f.segments[k].Poly == nil || sum.within(len(f.segments[k].Poly.Coeffs))) {
					f.segments[k].Pool, f.pools[i] = sum, k
				}
			}
		}
		return
	}
}

// multiplies reports whether the segment's activation multiplies.
func (s *Segment) multiplies() bool { return s.Poly != nil || s.Product }

// wholeTerms bounds the maps that are tried with a pool multiplied in: larger
// ones never pay.
const wholeTerms = 1 << 23

// matrix is the segment's map of sources as their layouts give them: of the sums where
// folded says so, else of the elements. It is nil where that would be too large. The
// error is ctx's once that is done.
func (s *Segment) matrix(ctx context.Context, all []Segment, folded []bool) (*Matrix, error) {
	key := fmt.Sprint(folded)
	if m, ok := s.matrices[key]; ok {
		return m, nil
	}
	sums := &Matrix{Start: []int32{0}}
	terms, whole := len(s.rest.In), true
	for k, source := range s.Sources {
		first := int32(sums.Inputs)
		f := identity(s.widths[k])
		if source != Input && all[source].Pool != nil && !folded[k] {
			whole = false
			terms = max(terms, len(s.rest.In)*all[source].Pool.Size)
			f = all[source].Pool.matrix()
		}
		sums.Inputs += f.Inputs
		columns := make([]int32, f.Inputs)
		for i := range columns {
			columns[i] = first + int32(i)
		}
		sums.stack(f, columns)
	}
	m, err := s.rest, error(nil)
	switch {
	case whole:
	case terms > wholeTerms:
		m = nil
	default:
		if m, err = s.rest.after(ctx, sums); errors.Is(err, errFused) {
			m, err = nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("packed: layer %q: %w", s.Name, err)
	}
	s.matrices[key] = m
	return m, nil
}

// elements are the elements of source k in the order that its layout gives them; see matrix.
func (s *Segment) elements(all []Segment, k int, folded bool) int {
	if source := s.Sources[k]; source != Input && !folded {
		return bundle.Size(all[source].Shape)
	}
	return s.widths[k]
}
