package bundle

import (
	"fmt"
	"slices"
)

// Add is the weighted sum of its inputs v_1..v_k, all of one shape, one weight an
// input:
//
//	out = Weights[0] v_1 + ... + Weights[k-1] v_k
//
// The inputs' scales meet in the output's: scale(v_i) = Weights[i] scale(out), so
// that the integers' sum is the reals'. In the body of a Recurrent, where a node
// reads one flat tensor, the v_i are its k equal parts. The result is exact.
type Add struct {
	Weights []int32 `json:"weights"`
}

func (a *Add) kind() Kind { return KindAdd }

// OutShape is the inputs' common shape, or [n] for one flat input of [k n].
func (a *Add) OutShape(in ...[]int) ([]int, error) {
	k := len(a.Weights)
	if k == 0 {
		return nil, fmt.Errorf("add of no weights")
	}
	if len(in) == 1 && k > 1 {
		if len(in[0]) != 1 || in[0][0]%k != 0 {
			return nil, fmt.Errorf("add of %d weights on shape %v, want a flat input of as many equal parts", k, in[0])
		}
		return []int{in[0][0] / k}, nil
	}
	if len(in) != k {
		return nil, fmt.Errorf("add of %d weights on %d inputs", k, len(in))
	}
	return oneShape(in)
}

// Rows lowers the sum; see Linear.
func (a *Add) Rows(in ...[]int) *Rows {
	all := 0
	for _, shape := range in {
		all += Size(shape)
	}
	n := all / len(a.Weights)
	b := newRowBuilder(all, n, all)
	b.r.Bias = Vec{Small: make([]int64, n)}
	for i := range n {
		for k, w := range a.Weights {
			b.add(k*n+i, w)
		}
		b.end()
	}
	return b.rows()
}

func (a *Add) apply(in Vec, shapes [][]int) Vec        { return a.Rows(shapes...).apply(in) }
func (a *Add) bounds(in Bounds, shapes [][]int) Bounds { return a.Rows(shapes...).bounds(in) }

// Concat puts its inputs one behind the other along the first dimension: channels
// of pictures, features of flat tensors. All other dimensions must be equal. The
// output has the inputs' common scale or, channel by channel, theirs.
type Concat struct{}

func (c *Concat) kind() Kind { return KindConcat }

// OutShape is [sum of the first dimensions, the others...].
func (c *Concat) OutShape(in ...[]int) ([]int, error) {
	if len(in) == 0 || len(in[0]) == 0 {
		return nil, fmt.Errorf("concat of nothing")
	}
	out := slices.Clone(in[0])
	for k, shape := range in[1:] {
		if len(shape) == 0 || !slices.Equal(shape[1:], out[1:]) {
			return nil, fmt.Errorf("concat of shapes %v and, as input %d, %v: only the first dimension may differ", in[0], k+1, shape)
		}
		out[0] += shape[0]
	}
	return out, nil
}

// Rows lowers the concatenation, which leaves the elements of all inputs in order;
// see Linear.
func (c *Concat) Rows(in ...[]int) *Rows {
	out, _ := c.OutShape(in...)
	return pick(Size(out), 0, Size(out))
}

func (c *Concat) apply(in Vec, _ [][]int) Vec       { return in }
func (c *Concat) bounds(b Bounds, _ [][]int) Bounds { return b }

// Slice takes From..To-1 of the first dimension: channels of pictures, features of
// flat tensors. The output has the scales of what it takes.
type Slice struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (s *Slice) kind() Kind { return KindSlice }

// OutShape is [To - From, the other dimensions...].
func (s *Slice) OutShape(in ...[]int) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	if len(shape) == 0 || s.From < 0 || s.From >= s.To || s.To > shape[0] {
		return nil, fmt.Errorf("slice %d..%d of shape %v: want at least one of its first dimension", s.From, s.To, shape)
	}
	out := slices.Clone(shape)
	out[0] = s.To - s.From
	return out, nil
}

// Rows lowers the slice; see Linear.
func (s *Slice) Rows(in ...[]int) *Rows {
	n := Size(in[0])
	each := n / in[0][0]
	return pick(n, s.From*each, s.To*each)
}

func (s *Slice) apply(in Vec, shapes [][]int) Vec {
	each := in.Len() / shapes[0][0]
	return in.Slice(s.From*each, s.To*each)
}

func (s *Slice) bounds(b Bounds, shapes [][]int) Bounds {
	return Bounds{s.apply(b.Lo, shapes), s.apply(b.Hi, shapes)}
}

// pick is the rows that take the elements from..to-1 of n.
func pick(n, from, to int) *Rows {
	b := newRowBuilder(n, to-from, to-from)
	b.r.Bias = Vec{Small: make([]int64, to-from)}
	for i := from; i < to; i++ {
		b.add(i, 1)
		b.end()
	}
	return b.rows()
}

// single is the shape of the only input.
func single(in [][]int) ([]int, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("%d inputs, want 1", len(in))
	}
	return in[0], nil
}

// oneShape is the shape that all inputs have.
func oneShape(in [][]int) ([]int, error) {
	for k, shape := range in {
		if !slices.Equal(shape, in[0]) {
			return nil, fmt.Errorf("input 0 has the shape %v and input %d %v: want one shape", in[0], k, shape)
		}
	}
	return in[0], nil
}
