package lower

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"qtool/bundle"
)

// Segment is a linear map, fused from all linear operations between two
// activations, and the activation behind it.
type Segment struct {
	// Name is that of the last linear node, or of the activation where there is
	// none; Nodes is how many program nodes the segment has from First on.
	Name         string
	First, Nodes int
	// Linear is the node whose values Whole makes; -1 for the program's input.
	Linear int
	Shape  []int // of the output
	// Whole is the map. Where the segment begins with sums over disjoint
	// classes of equal size (a pool), Whole = Rest after Sum; Whole is then nil
	// if it has more than wholeTerms terms.
	Whole *Matrix
	Sum   *Sum
	Rest  *Matrix
	// Poly is the activation, of the node called Activation; nil for none.
	Poly       *bundle.Polynomial
	Activation string
}

// ErrOperation marks a program with an operation that packed ciphertexts don't
// carry.
var ErrOperation = errors.New("operation cannot be packed")

// Sum adds the members of disjoint classes. Class is -1 for elements of none;
// Rank counts a class's members 0..Size-1. Shape is that of the sums.
type Sum struct {
	Class, Rank []int32
	Size        int
	Shape       []int
}

// Segments fuses p, which must have passed its Check. The error is ctx's once that is
// done, or names a layer that cannot be fused.
func Segments(ctx context.Context, p *bundle.Program) ([]Segment, error) {
	if err := carried.Check(p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOperation, err)
	}
	var all []Segment
	for i := 0; i < len(p.Nodes); {
		s, next, err := segmentAt(ctx, p, i)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		i = next
	}
	return all, nil
}

func segmentAt(ctx context.Context, p *bundle.Program, i int) (Segment, int, error) {
	s := Segment{First: i, Linear: i - 1, Shape: p.InShape(i)}
	s.Name = p.Nodes[i].Name
	var rest []*Matrix
	for ; i < len(p.Nodes); i++ {
		if err := ctx.Err(); err != nil {
			return Segment{}, 0, err
		}
		n := &p.Nodes[i]
		if poly, ok := n.Op.(*bundle.Polynomial); ok {
			s.Poly, s.Activation = poly, n.Name
			i++
			break
		}
		switch op := n.Op.(type) {
		case bundle.Linear:
			rows := op.Rows(p.InShape(i))
			if s.Sum == nil && len(rest) == 0 {
				if s.Sum = classes(rows, n.Shape); s.Sum == nil {
					rest = append(rest, fromRows(rows))
				} else {
					s.Whole = fromRows(rows)
				}
			} else {
				rest = append(rest, fromRows(rows))
			}
		case *bundle.Reshape:
		default:
			return Segment{}, 0, fmt.Errorf("packed: layer %q: %w: %s is neither linear nor a polynomial", n.Name, ErrOperation, n.Kind())
		}
		s.Name, s.Linear, s.Shape = n.Name, i, n.Shape
	}
	s.Nodes = i - s.First
	if err := s.fuse(ctx, rest, bundle.Size(p.InShape(s.First))); err != nil {
		return Segment{}, 0, fmt.Errorf("packed: layer %q: %w", s.Name, err)
	}
	return s, i, nil
}

// fuse multiplies the maps behind the sum.
func (s *Segment) fuse(ctx context.Context, rest []*Matrix, inputs int) (err error) {
	sum := s.Whole
	if sum != nil {
		inputs = sum.Outputs()
	}
	m := identity(inputs)
	for k, f := range rest {
		if k == 0 {
			m = f
		} else if m, err = f.after(ctx, m); err != nil {
			return err
		}
	}
	if s.Whole = m; sum != nil {
		s.Rest, s.Whole = m, nil
		if len(m.In)*s.Sum.Size <= wholeTerms || s.First == 0 {
			s.Whole, err = m.after(ctx, sum)
		}
	}
	return err
}

// wholeTerms bounds the maps that are tried with a pool multiplied in: larger
// ones never pay.
const wholeTerms = 1 << 23

// classes recognises rows that add up disjoint classes of one size > 1.
func classes(r *bundle.Rows, shape []int) *Sum {
	s := &Sum{Class: make([]int32, r.Inputs), Rank: make([]int32, r.Inputs), Shape: slices.Clone(shape)}
	for i := range s.Class {
		s.Class[i] = -1
	}
	for o := range r.Outputs() {
		in, w := r.Row(o)
		if o == 0 {
			s.Size = len(in)
		}
		if len(in) != s.Size || s.Size < 2 || r.Bias.At(o).Sign() != 0 {
			return nil
		}
		for k, i := range in {
			if w[k] != 1 || s.Class[i] >= 0 {
				return nil
			}
			s.Class[i], s.Rank[i] = int32(o), int32(k)
		}
	}
	return s
}
