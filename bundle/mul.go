package bundle

import (
	"fmt"
	"math/big"
)

// Mul is the elementwise product of its two inputs x and y, of one shape, divided
// by 2^Shift with the quarter squares that make it rounded one by one:
//
//	out = q(x+y) - q(x-y),   q(s) = round(s^2 / 2^(Shift+2)), half to even
//
// With a Shift of 0 that is x y exactly, as s^2/4 is then an integer or a quarter
// above one on both sides. Otherwise it is within 1 of x y / 2^Shift.
//
// An executor that has only tables looks q up twice. What the sum of products
// indexes next is the narrower for the Shift, and the look-up the cheaper.
//
// The output's scale is scale(x) scale(y) 2^Shift. In the body of a Recurrent,
// where a node reads one flat tensor, x and y are its halves.
type Mul struct {
	Shift uint8 `json:"shift"`
}

func (m *Mul) kind() Kind { return KindMul }

// OutShape is the inputs' common shape, or [n] for one flat input of [2n].
func (m *Mul) OutShape(in ...[]int) ([]int, error) {
	if m.Shift > MaxShift {
		return nil, fmt.Errorf("shift %d passes the limit of %d", m.Shift, MaxShift)
	}
	switch len(in) {
	case 1:
		if len(in[0]) != 1 || in[0][0]%2 != 0 {
			return nil, fmt.Errorf("mul on shape %v, want a flat input of two equal parts", in[0])
		}
		return []int{in[0][0] / 2}, nil
	case 2:
		return oneShape(in)
	}
	return nil, fmt.Errorf("mul on %d inputs, want 2", len(in))
}

// Square is q, for |s| < 2^31.
func (m *Mul) Square(s int64) int64 { return RoundShift(s*s, m.Shift+2) }

func (m *Mul) apply(in Vec, _ [][]int) Vec {
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
// are few or nothing is rounded: the extremes of x y are among the products of the
// factors' ends. Else it is the range of x y / 2^Shift, widened by 1 at both ends.
func (m *Mul) bounds(b Bounds, _ [][]int) Bounds {
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

// squareBounds is the exact range of each product of an element with itself. It
// is even and monotone in the magnitude, with Shift too: y = x makes it
// round(x^2 / 2^Shift).
func (m *Mul) squareBounds(b Bounds) Bounds {
	n := b.Lo.Len()
	lo, hi := make([]*big.Int, n), make([]*big.Int, n)
	for i := range n {
		l, h := b.Lo.At(i), b.Hi.At(i)
		lo[i], hi[i] = m.product(l, l), m.product(h, h)
		if lo[i].Cmp(hi[i]) > 0 {
			lo[i], hi[i] = hi[i], lo[i]
		}
		if l.Sign() < 0 && h.Sign() > 0 {
			lo[i] = new(big.Int)
		}
	}
	return Bounds{NewVec(lo), NewVec(hi)}
}

func (m *Mul) productRange(x, y Range) Range {
	xs, ys := x.few(), y.few()
	exact := m.Shift == 0 || len(xs)*len(ys) > maxPairs || xs == nil || ys == nil
	product := m.product
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
