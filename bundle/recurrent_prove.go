package bundle

import (
	"fmt"
	"math/big"
)

// TensorBounds is the static bound of every element of every tensor of the
// body, by the numbers of Wiring, in any step: for inputs within in, of the given
// shape.
func (r *Recurrent) TensorBounds(in Bounds, shape []int) ([]Bounds, error) {
	var body []Bounds
	_, err := r.propagate(in, shape, func(_ *Node, _ []int, b Bounds) error {
		body = append(body, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return append(r.entry(in, shape[1]), body...), nil
}

// propagate infers shapes and proves bounds of the body for all steps at once:
// from inputs within the interval of any row of in, and states within their
// declared ranges. It returns the output's bounds, or an error that names the
// node or state, the range and the limit.
func (r *Recurrent) propagate(in Bounds, shape []int, visit func(n *Node, shape []int, b Bounds) error) (Bounds, error) {
	w, err := r.Wire(shape)
	if err != nil {
		return Bounds{}, err
	}
	for i := range r.States {
		if s := &r.States[i]; s.Range.Lo == nil || s.Range.Lo.Sign() > 0 || s.Range.Hi.Sign() < 0 {
			return Bounds{}, fmt.Errorf("state %q: range %v must hold 0, where it begins", s.Name, s.Range)
		}
	}
	all := r.entry(in, shape[1])
	for i := range r.Body {
		n := &r.Body[i]
		b := gatherBounds(all, w.Inputs[i])
		at := []int{b.Lo.Len()}
		out, err := n.bodyShape(at)
		if err == nil {
			err = coverage(n.Op, b)
		}
		if err == nil {
			b = n.Op.bounds(b, [][]int{at})
			err = visit(n, out, b)
		}
		if err != nil {
			return Bounds{}, fmt.Errorf("body node %q: %w", n.Name, err)
		}
		all = append(all, b)
	}
	for i := range r.States {
		s := &r.States[i]
		if next := all[w.Next[i]].Range(); !next.Union(s.Range).Equal(s.Range) {
			return Bounds{}, fmt.Errorf("state %q: its next value has the range %v, outside the declared %v", s.Name, next, s.Range)
		}
	}
	return all[1+w.Output], nil
}

// entry is the bounds of x and of the states. All steps share the bounds of x: for
// every column, the union of the bounds of its rows.
func (r *Recurrent) entry(in Bounds, columns int) []Bounds {
	lo, hi := make([]*big.Int, columns), make([]*big.Int, columns)
	for i := range in.Lo.Len() {
		k := i % columns
		if l := in.Lo.At(i); lo[k] == nil || l.Cmp(lo[k]) < 0 {
			lo[k] = l
		}
		if h := in.Hi.At(i); hi[k] == nil || h.Cmp(hi[k]) > 0 {
			hi[k] = h
		}
	}
	all := []Bounds{{NewVec(lo), NewVec(hi)}}
	for i := range r.States {
		s := &r.States[i]
		lo, hi := make([]*big.Int, s.Size), make([]*big.Int, s.Size)
		for k := range lo {
			lo[k], hi[k] = s.Range.Lo, s.Range.Hi
		}
		all = append(all, Bounds{NewVec(lo), NewVec(hi)})
	}
	return all
}

// coverage returns an error if op has tables that leave a part of b out.
func coverage(op Op, b Bounds) error {
	if l, ok := op.(*LookupTable); ok {
		return l.covers(b)
	}
	return nil
}

// bounds is the range of every element of the output state, by the proof of propagate.
func (r *Recurrent) bounds(in Bounds, shapes [][]int) Bounds {
	b, _ := r.propagate(in, shapes[0], func(*Node, []int, Bounds) error { return nil })
	return b
}

func gatherBounds(all []Bounds, at []int) Bounds {
	lo, hi := make([]Vec, len(all)), make([]Vec, len(all))
	for i, b := range all {
		lo[i], hi[i] = b.Lo, b.Hi
	}
	return Bounds{gather(lo, at), gather(hi, at)}
}

// gather is the concatenation of the vectors at.
func gather(all []Vec, at []int) Vec {
	if len(at) == 1 {
		return all[at[0]]
	}
	small := true
	n := 0
	for _, i := range at {
		small = small && all[i].Big == nil
		n += all[i].Len()
	}
	if small {
		out := make([]int64, 0, n)
		for _, i := range at {
			out = append(out, all[i].Small...)
		}
		return Vec{Small: out}
	}
	out := make([]*big.Int, 0, n)
	for _, i := range at {
		out = append(out, all[i].wide()...)
	}
	return NewVec(out)
}
