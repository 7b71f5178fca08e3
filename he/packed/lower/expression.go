package lower

import (
	"context"
	"math/big"
	"slices"

	"qtool/bundle"
)

// Input is the number of the program's input among the sources of a segment.
const Input = -1

// expression is a tensor as a linear map of what segments make:
//
//	tensor = map of (source, source, ...), one behind the other
//
// A map of nil is the one source itself.
type expression struct {
	sources []int // Input or numbers of segments, ascending
	m       *Matrix
}

// widths says how many elements a source has where segments read it.
type widths func(source int) int

// matrix is e's map.
func (e *expression) matrix(width widths) *Matrix {
	if e.m == nil {
		return identity(width(e.sources[0]))
	}
	return e.m
}

// behind is what f makes of e. It returns the error of Matrix.after.
func (e *expression) behind(ctx context.Context, f *Matrix) (*expression, error) {
	if e.m == nil {
		return &expression{e.sources, f}, nil
	}
	m, err := f.after(ctx, e.m)
	if err != nil {
		return nil, err
	}
	return &expression{e.sources, m}, nil
}

// join is the concatenation of tensors.
func join(all []*expression, width widths) *expression {
	if len(all) == 1 {
		return all[0]
	}
	out := &expression{m: &Matrix{Start: []int32{0}}}
	for _, e := range all {
		out.sources = append(out.sources, e.sources...)
	}
	slices.Sort(out.sources)
	out.sources = slices.Compact(out.sources)
	first := map[int]int32{} // column of each source
	for _, s := range out.sources {
		first[s] = int32(out.m.Inputs)
		out.m.Inputs += width(s)
	}
	for _, e := range all {
		out.m.stack(e.matrix(width), e.columns(first, width))
	}
	return out
}

// columns says which column of a joined map each of e's own is.
func (e *expression) columns(first map[int]int32, width widths) []int32 {
	var all []int32
	for _, s := range e.sources {
		for k := range width(s) {
			all = append(all, first[s]+int32(k))
		}
	}
	return all
}

// stack appends the rows of f, whose columns are renumbered.
func (m *Matrix) stack(f *Matrix, columns []int32) {
	before := int32(len(m.In))
	for _, i := range f.In {
		m.In = append(m.In, columns[i])
	}
	m.W = append(m.W, f.W...)
	for _, end := range f.Start[1:] {
		m.Start = append(m.Start, before+end)
	}
	m.Bias = append(m.Bias, f.Bias...)
}

// linearRows are the rows of a polynomial of degree 1 on n elements; ok is false where
// a coefficient passes 62 bits.
func linearRows(p *bundle.Polynomial, n int) (m *Matrix, ok bool) {
	m = identity(n)
	for i := range n {
		row := p.Channel(i, n)
		w := row.At(1)
		if w.BitLen() > 62 {
			return nil, false
		}
		m.W[i], m.Bias[i] = w.Int64(), new(big.Int).Set(row.At(0))
	}
	return m, true
}
