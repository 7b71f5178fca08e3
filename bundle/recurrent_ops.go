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
type Add struct {
	Weights []int32 `json:"weights"`
}

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

// Mul is the elementwise product of the two halves x and y of its input, divided
// by 2^Shift with the quarter squares that make it rounded one by one:
//
//	out = q(x+y) - q(x-y),   q(s) = round(s^2 / 2^(Shift+2)), half to even
//
// With a Shift of 0 that is x y exactly, as s^2/4 is then an integer or a quarter
// above one on both sides. Otherwise it is within 1 of x y / 2^Shift.
//
// An executor that has only tables looks q up twice. What the sum of products
// indexes next is the narrower for the Shift, and the look-up the cheaper.
type Mul struct {
	Shift uint8 `json:"shift"`
}

func (m *Mul) kind() Kind { return KindMul }

// OutShape is [n] for an input of [2n].
func (m *Mul) OutShape(in []int) ([]int, error) {
	if len(in) != 1 || in[0]%2 != 0 {
		return nil, fmt.Errorf("mul on shape %v, want a flat input of two equal parts", in)
	}
	if m.Shift > MaxShift {
		return nil, fmt.Errorf("shift %d passes the limit of %d", m.Shift, MaxShift)
	}
	return []int{in[0] / 2}, nil
}

// Square is q, for |s| < 2^31.
func (m *Mul) Square(s int64) int64 { return RoundShift(s*s, m.Shift+2) }

func (m *Mul) apply(in Vec, _ []int) Vec {
	n := in.Len() / 2
	x, y := in.Slice(0, n), in.Slice(n, 2*n)
	if x.Big == nil && y.Big == nil && maxAbs(x.Small) < 1<<30 && maxAbs(y.Small) < 1<<30 {
		out := make([]int64, n)
		for i := range out {
			if a, b := x.Small[i], y.Small[i]; m.Shift == 0 {
				out[i] = a * b
			} else {
				out[i] = m.Square(a+b) - m.Square(a-b)
			}
		}
		return Vec{Small: out}
	}
	out := make([]*big.Int, n)
	for i := range out {
		out[i] = m.product(x.At(i), y.At(i))
	}
	return NewVec(out)
}

// product is one element.
func (m *Mul) product(x, y *big.Int) *big.Int {
	if m.Shift == 0 {
		return new(big.Int).Mul(x, y)
	}
	square := func(s *big.Int) *big.Int { return roundShiftBig(s.Mul(s, s), uint(m.Shift)+2) }
	a, b := square(new(big.Int).Add(x, y)), square(new(big.Int).Sub(x, y))
	return a.Sub(a, b)
}

// maxPairs bounds the pairs of factors that bounds tries one by one.
const maxPairs = 1 << 10

// bounds is the exact range of each product over independent factors where they
// are few or nothing is rounded: the extremes of x y are among those of the
// factors' ends. Else it is that of x y / 2^Shift, and 1 more.
func (m *Mul) bounds(b Bounds, _ []int) Bounds {
	n := b.Lo.Len() / 2
	lo, hi := make([]*big.Int, n), make([]*big.Int, n)
	seen := map[[4]int64]Range{}
	for i := range n {
		x, y := Range{b.Lo.At(i), b.Hi.At(i)}, Range{b.Lo.At(n + i), b.Hi.At(n + i)}
		key := [4]int64{x.Lo.Int64(), x.Hi.Int64(), y.Lo.Int64(), y.Hi.Int64()}
		r, ok := seen[key]
		if !ok || x.Bits() > 62 || y.Bits() > 62 {
			r = m.productRange(x, y)
			seen[key] = r
		}
		lo[i], hi[i] = r.Lo, r.Hi
	}
	return Bounds{NewVec(lo), NewVec(hi)}
}

func (m *Mul) productRange(x, y Range) Range {
	xs, ys := x.few(), y.few()
	exact := m.Shift == 0 || len(xs)*len(ys) > maxPairs || xs == nil || ys == nil
	var product func(x, y *big.Int) *big.Int = m.product
	if exact {
		xs, ys = []*big.Int{x.Lo, x.Hi}, []*big.Int{y.Lo, y.Hi}
		product = (&Mul{}).product
	}
	var r Range
	for _, x := range xs {
		for _, y := range ys {
			p := product(x, y)
			if r.Lo == nil {
				r = Range{p, p}
			}
			r = r.Union(Range{p, p})
		}
	}
	if exact && m.Shift > 0 {
		one := big.NewInt(1)
		up := new(big.Int).Neg(r.Hi) // the ceiling is the floor of the negative
		r.Lo = new(big.Int).Sub(new(big.Int).Rsh(r.Lo, uint(m.Shift)), one)
		r.Hi = up.Sub(one, up.Rsh(up, uint(m.Shift)))
	}
	return r
}

// few is the integers of a range that has at most maxPairs, or nil.
func (r Range) few() []*big.Int {
	var all []*big.Int
	if new(big.Int).Sub(r.Hi, r.Lo).Cmp(big.NewInt(maxPairs)) >= 0 {
		return nil
	}
	for x := new(big.Int).Set(r.Lo); x.Cmp(r.Hi) <= 0; x.Add(x, big.NewInt(1)) {
		all = append(all, new(big.Int).Set(x))
	}
	return all
}

// Shift divides every element by 2^Bits:
//
//	out = round(q / 2^Bits), half to even
//
// It keeps the width of integers in a polynomial program that goes on for many
// steps. An executor that computes with reals leaves it out, and counts half a
// unit into its error.
type Shift struct {
	Bits uint8 `json:"bits"`
}

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
