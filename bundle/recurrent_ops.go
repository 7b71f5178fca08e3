package bundle

import (
	"fmt"
	"math/big"
)

// The operations that only the body of a Recurrent has.
const (
	KindRecurrent Kind = "Recurrent"
	KindAdd       Kind = "Add"
	KindMul       Kind = "Mul"
	KindShift     Kind = "Shift"
	KindDomain    Kind = "Domain"
)

// Add is the weighted sum of the equal parts v_1..v_k of its input, one weight a
// part:
//
//	out = Weights[0] v_1 + ... + Weights[k-1] v_k
type Add struct{ Weights []int32 }

func (a *Add) kind() Kind { return KindAdd }

// OutShape is [n] for an input of [k n].
func (a *Add) OutShape(in []int) ([]int, error) {
	k := len(a.Weights)
	if k < 1 || len(in) != 1 || in[0]%k != 0 {
		return nil, fmt.Errorf("add of %d weights on shape %v, want a flat input of as many equal parts", k, in)
	}
	return []int{in[0] / k}, nil
}

// Rows lowers the sum; see Linear.
func (a *Add) Rows(in []int) *Rows {
	n := in[0] / len(a.Weights)
	b := newRowBuilder(in[0], n, in[0])
	b.r.Bias = Vec{Small: make([]int64, n)}
	for i := range n {
		for k, w := range a.Weights {
			b.add(k*n+i, w)
		}
		b.end()
	}
	return &b.r
}

func (a *Add) apply(in Vec, shape []int) Vec        { return a.Rows(shape).apply(in) }
func (a *Add) bounds(in Bounds, shape []int) Bounds { return a.Rows(shape).bounds(in) }

// Mul is the elementwise product of the two halves of its input. The result is
// exact. An executor that has only tables takes it from two of them:
//
//	x y = floor((x+y)^2 / 4) - floor((x-y)^2 / 4).
type Mul struct{}

func (m *Mul) kind() Kind { return KindMul }

// OutShape is [n] for an input of [2n].
func (m *Mul) OutShape(in []int) ([]int, error) {
	if len(in) != 1 || in[0]%2 != 0 {
		return nil, fmt.Errorf("mul on shape %v, want a flat input of two equal parts", in)
	}
	return []int{in[0] / 2}, nil
}

func (m *Mul) apply(in Vec, _ []int) Vec {
	n := in.Len() / 2
	x, y := in.Slice(0, n), in.Slice(n, 2*n)
	if x.Big == nil && y.Big == nil && fits(maxAbs(x.Small), maxAbs(y.Small), 0) {
		out := make([]int64, n)
		for i := range out {
			out[i] = x.Small[i] * y.Small[i]
		}
		return Vec{Small: out}
	}
	out := make([]*big.Int, n)
	for i := range out {
		out[i] = x.At(i)
		out[i].Mul(out[i], y.At(i))
	}
	return NewVec(out)
}

// bounds is the exact range of each product over independent factors: its
// extremes are among those of the factors' ends.
func (m *Mul) bounds(b Bounds, _ []int) Bounds {
	n := b.Lo.Len() / 2
	lo, hi := make([]*big.Int, n), make([]*big.Int, n)
	for i := range n {
		var r Range
		for _, x := range []*big.Int{b.Lo.At(i), b.Hi.At(i)} {
			for _, y := range []*big.Int{b.Lo.At(n + i), b.Hi.At(n + i)} {
				p := new(big.Int).Mul(x, y)
				if r.Lo == nil {
					r = Range{p, p}
				}
				r = r.Union(Range{p, p})
			}
		}
		lo[i], hi[i] = r.Lo, r.Hi
	}
	return Bounds{NewVec(lo), NewVec(hi)}
}

// Shift divides every element by 2^Bits:
//
//	out = round(q / 2^Bits), half to even
//
// It keeps the width of integers in a polynomial program that goes on for many
// steps. An executor that computes with reals leaves it out, and counts half a
// unit into its error.
type Shift struct{ Bits uint8 }

func (s *Shift) kind() Kind { return KindShift }

// OutShape is the input's shape.
func (s *Shift) OutShape(in []int) ([]int, error) { return in, nil }

func (s *Shift) apply(in Vec, _ []int) Vec {
	if in.Big == nil && s.Bits <= 62 {
		out := make([]int64, len(in.Small))
		for i, q := range in.Small {
			out[i] = RoundShift(q, s.Bits)
		}
		return Vec{Small: out}
	}
	out := make([]*big.Int, in.Len())
	for i := range out {
		out[i] = roundShiftBig(in.At(i), uint(s.Bits))
	}
	return NewVec(out)
}

// bounds shifts both ends: rounding is monotone.
func (s *Shift) bounds(b Bounds, shape []int) Bounds {
	return Bounds{s.apply(b.Lo, shape), s.apply(b.Hi, shape)}
}

// roundShiftBig is round(q / 2^s), half to even. It may change q.
func roundShiftBig(q *big.Int, s uint) *big.Int {
	if s == 0 {
		return q
	}
	unit := new(big.Int).Lsh(big.NewInt(1), s)
	floor, rest := new(big.Int).DivMod(q, unit, new(big.Int)) // rest >= 0
	if c := rest.Lsh(rest, 1).Cmp(unit); c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return floor
}

// Domain passes its input on and declares that no element leaves [Lo, Hi]: the
// interval for which a polynomial was fitted. It is the one operation whose
// range is not proved but assumed, and what follows from it is proved under that
// assumption. Whoever runs the program on integers is told, with an error that
// wraps ErrDomain, if an element does leave it.
type Domain struct {
	Lo int64 `json:"lo"`
	Hi int64 `json:"hi"`
}

func (d *Domain) kind() Kind { return KindDomain }

// OutShape is the input's shape.
func (d *Domain) OutShape(in []int) ([]int, error) {
	if d.Lo > d.Hi {
		return nil, fmt.Errorf("domain [%d, %d] is empty", d.Lo, d.Hi)
	}
	return in, nil
}

func (d *Domain) apply(in Vec, _ []int) Vec { return in }

// bounds is the part of the input's interval that lies in the domain, or the end
// of the domain next to it where none does.
func (d *Domain) bounds(b Bounds, _ []int) Bounds {
	return Bounds{d.clamp(b.Lo), d.clamp(b.Hi)}
}

func (d *Domain) clamp(v Vec) Vec {
	lo, hi := big.NewInt(d.Lo), big.NewInt(d.Hi)
	out := make([]*big.Int, v.Len())
	for i := range out {
		switch x := v.At(i); {
		case x.Cmp(lo) < 0:
			out[i] = lo
		case x.Cmp(hi) > 0:
			out[i] = hi
		default:
			out[i] = x
		}
	}
	return NewVec(out)
}
