package lower

import (
	"math/big"
	"slices"

	"qtool/bundle"
)

// Sum adds the members of disjoint classes. Class is -1 for elements of none;
// Rank counts a class's members 0..Size-1. Shape is the shape of the sums.
type Sum struct {
	Class, Rank []int32
	Size        int
	Shape       []int
}

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

// within reports whether every class lies in one of so many equal parts of the elements:
// in one channel, where each has a polynomial of its own.
func (s *Sum) within(parts int) bool {
	n := len(s.Class)
	part := make([]int, bundle.Size(s.Shape))
	for e, c := range s.Class {
		if c < 0 {
			continue
		}
		if p := e*parts/n + 1; part[c] == 0 {
			part[c] = p
		} else if part[c] != p {
			return false
		}
	}
	return true
}

// matrix is the sum as a map of all elements, members by their ranks.
func (s *Sum) matrix() *Matrix {
	n := bundle.Size(s.Shape)
	m := &Matrix{Inputs: len(s.Class), Start: make([]int32, n+1), In: make([]int32, n*s.Size), W: slices.Repeat([]int64{1}, n*s.Size), Bias: make([]*big.Int, n)}
	for c := range n {
		m.Start[c+1], m.Bias[c] = int32((c+1)*s.Size), new(big.Int)
	}
	for e, c := range s.Class {
		if c >= 0 {
			m.In[c*int32(s.Size)+s.Rank[e]] = int32(e)
		}
	}
	return m
}
