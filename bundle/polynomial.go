package bundle

import (
	"fmt"
	"math"
	"math/big"
)

// MaxDegree bounds the degree of a Polynomial.
const MaxDegree = 31

// Polynomial applies an integer polynomial to every element:
//
//	out = Coeffs[c][0] + Coeffs[c][1] q + ... + Coeffs[c][d] q^d
//
// Coeffs has one row for the whole tensor or one per channel (the tensor's
// first dimension). The result is exact.
type Polynomial struct{ Coeffs []Vec }

// Square is the polynomial q^2.
func Square() *Polynomial { return &Polynomial{[]Vec{{Small: []int64{0, 0, 1}}}} }

func (p *Polynomial) kind() Kind { return KindPolynomial }

// Degree is the largest degree over the channels.
func (p *Polynomial) Degree() int {
	d := 0
	for _, c := range p.Coeffs {
		d = max(d, c.Len()-1)
	}
	return d
}

// OutShape is the input's shape. It returns an error if the number of
// coefficient rows is neither 1 nor the number of channels, or a degree is
// outside 1..MaxDegree.
func (p *Polynomial) OutShape(in ...[]int) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	if n := len(p.Coeffs); n != 1 && n != shape[0] {
		return nil, fmt.Errorf("%d coefficient rows for %d channels", n, shape[0])
	}
	for c, row := range p.Coeffs {
		if d := row.Len() - 1; d < 1 || d > MaxDegree || row.At(d).Sign() == 0 {
			return nil, fmt.Errorf("channel %d: polynomial %v: degree must be 1..%d with a nonzero leading coefficient", c, row, MaxDegree)
		}
	}
	return shape, nil
}

// Channel is the coefficients of the element at flat index i of a tensor with
// n elements.
func (p *Polynomial) Channel(i, n int) Vec {
	return p.Coeffs[i*len(p.Coeffs)/n]
}

func (p *Polynomial) apply(in Vec, _ [][]int) Vec {
	n := in.Len()
	if in.Big == nil && p.small(maxAbs(in.Small)) {
		out := make([]int64, n)
		for i, x := range in.Small {
			c := p.Channel(i, n).Small
			acc := c[len(c)-1]
			for k := len(c) - 2; k >= 0; k-- {
				acc = acc*x + c[k]
			}
			out[i] = acc
		}
		return Vec{Small: out}
	}
	out := make([]*big.Int, n)
	coeffs := make([][]*big.Int, len(p.Coeffs))
	for c, row := range p.Coeffs {
		coeffs[c] = row.wide()
	}
	var x big.Int
	for i := range out {
		out[i] = horner(coeffs[i*len(coeffs)/n], in.at(i, &x))
	}
	return NewVec(out)
}

// small reports whether Horner's scheme stays inside an int64 for |x| <= m.
func (p *Polynomial) small(m uint64) bool {
	x := math.Max(float64(m), 1)
	for _, c := range p.Coeffs {
		bound := 0.0
		for k := c.Len() - 1; k >= 0; k-- {
			bound = float64(bound*x) + math.Abs(c.Float(k))
		}
		if c.Big != nil || bound > 1<<61 {
			return false
		}
	}
	return true
}

func horner(c []*big.Int, x *big.Int) *big.Int {
	if len(c) == 3 && c[0].Sign() == 0 && c[1].Sign() == 0 && c[2].IsInt64() && c[2].Int64() == 1 {
		return new(big.Int).Mul(x, x)
	}
	acc := new(big.Int).Set(c[len(c)-1])
	for k := len(c) - 2; k >= 0; k-- {
		acc.Mul(acc, x).Add(acc, c[k])
	}
	return acc
}

func (p *Polynomial) bounds(b Bounds, _ [][]int) Bounds {
	n := b.Lo.Len()
	lo, hi := make([]*big.Int, n), make([]*big.Int, n)
	for i := range n {
		r := polynomialRange(p.Channel(i, n).wide(), b.Lo.At(i), b.Hi.At(i))
		lo[i], hi[i] = r.Lo, r.Hi
	}
	return Bounds{NewVec(lo), NewVec(hi)}
}

// polynomialRange is the exact range of an integer polynomial over the integers
// of [lo, hi].
func polynomialRange(c []*big.Int, lo, hi *big.Int) Range {
	var r Range
	for _, x := range turningPoints(c, lo, hi) {
		y := horner(c, x)
		if r.Lo == nil {
			r = Range{y, y}
		}
		r = r.Union(Range{y, y})
	}
	return r
}

// turningPoints returns integers lo = x_0 <= x_1 <= ... = hi between whose
// neighbours the polynomial is monotone on the integers, so that its extremes
// over [lo, hi] are among its values there.
//
// The derivative is monotone between its own turning points, hence changes
// sign at most once between two of them; bisection finds the integers on either
// side of that change.
func turningPoints(c []*big.Int, lo, hi *big.Int) []*big.Int {
	if len(c) <= 2 {
		return []*big.Int{lo, hi}
	}
	derivative := make([]*big.Int, len(c)-1)
	for k := range derivative {
		derivative[k] = new(big.Int).Mul(c[k+1], big.NewInt(int64(k+1)))
	}
	steps := turningPoints(derivative, lo, hi)
	points := []*big.Int{lo}
	for i := 1; i < len(steps); i++ {
		a, b := new(big.Int).Set(steps[i-1]), new(big.Int).Set(steps[i])
		sa, sb := horner(derivative, a).Sign(), horner(derivative, b).Sign()
		if sa*sb < 0 {
			one, gap := big.NewInt(1), new(big.Int)
			for gap.Sub(b, a).Cmp(one) > 0 {
				mid := new(big.Int).Add(a, b)
				mid.Rsh(mid, 1)
				if horner(derivative, mid).Sign() == sa {
					a = mid
				} else {
					b = mid
				}
			}
			points = append(points, a, b)
		}
		points = append(points, steps[i])
	}
	return points
}
