package tfhe

import (
	"context"

	"qtool/bundle"
)

// maxFactor bounds the magnitude of a product's factors, so that the square of their
// sum fits an int64.
const maxFactor = 1 << 30

// product is the product of x and y, for the bounds of x and y one after the other. Where
// both depend on ciphertexts it takes a layer of two look-ups an element, of the sum
// and of the difference; see bundle.Mul.
func (u *maker) product(ctx context.Context, m *bundle.Mul, x, y *bundle.Rows, b bundle.Bounds) (*bundle.Rows, error) {
	n := x.Outputs()
	boundsX, boundsY := part(b, 0, n), part(b, n, 2*n)
	if isConstant(x) {
		x, y, boundsX, boundsY = y, x, boundsY, boundsX
	}
	if isConstant(y) {
		if err := checkFactors(boundsY); err != nil {
			return nil, err
		}
		if m.Shift == 0 || isZero(y) {
			return compose(ctx, diagonal(y), x)
		}
	}
	if err := checkFactors(b); err != nil {
		return nil, err
	}
	if isConstant(y) {
		return u.lookup(x, boundsX, func(i, _ int, q int64) int64 {
			c := y.Bias.Low64(i)
			return m.Square(q+c) - m.Square(q-c)
		})
	}
	rows, err := compose(ctx, sumsAndDifferences(n), concatenate([]*bundle.Rows{x, y}))
	if err != nil {
		return nil, err
	}
	within := bundle.Bounds{Lo: bundle.Vec{Small: make([]int64, 2*n)}, Hi: bundle.Vec{Small: make([]int64, 2*n)}}
	for i := range n {
		within.Lo.Small[i], within.Hi.Small[i] = b.Lo.Small[i]+b.Lo.Small[n+i], b.Hi.Small[i]+b.Hi.Small[n+i]
		within.Lo.Small[n+i], within.Hi.Small[n+i] = b.Lo.Small[i]-b.Hi.Small[n+i], b.Hi.Small[i]-b.Lo.Small[n+i]
	}
	squares, err := u.lookup(rows, within, func(_, _ int, q int64) int64 { return m.Square(q) })
	if err != nil {
		return nil, err
	}
	return compose(ctx, (&bundle.Add{Weights: []int32{1, -1}}).Rows([]int{2 * n}), squares)
}

// sumsAndDifferences maps two vectors of n, x and y, to x + y and x - y.
func sumsAndDifferences(n int) *bundle.Rows {
	r := &bundle.Rows{Inputs: 2 * n, Start: []int32{0}, Bias: bundle.Vec{Small: make([]int64, 2*n)}}
	for _, sign := range []int32{1, -1} {
		for i := range n {
			r.In = append(r.In, int32(i), int32(n+i))
			r.W = append(r.W, 1, sign)
			r.Start = append(r.Start, int32(len(r.In)))
		}
	}
	return r
}

// square is the product of x, within b, with itself, by one look-up an element:
//
//	q(2x) - q(0) = round(x^2 / 2^Shift).
func (u *maker) square(m *bundle.Mul, x *bundle.Rows, b bundle.Bounds) (*bundle.Rows, error) {
	if err := checkFactors(b); err != nil {
		return nil, err
	}
	return u.lookup(x, b, func(_, _ int, q int64) int64 { return bundle.RoundShift(q*q, m.Shift) })
}

// checkFactors returns an error that names the element if a factor passes maxFactor.
func checkFactors(b bundle.Bounds) error {
	if b.Lo.Big != nil || b.Hi.Big != nil {
		return beyond("range %v passes 64 bits", b.Range())
	}
	for i, lo := range b.Lo.Small {
		if hi := b.Hi.Small[i]; lo < -maxFactor || hi > maxFactor {
			return beyond("range %v of factor %d passes the limit of 30 bits", bundle.NewRange(lo, hi), i)
		}
	}
	return nil
}

// part is the bounds of the elements from..to-1.
func part(b bundle.Bounds, from, to int) bundle.Bounds {
	return bundle.Bounds{Lo: b.Lo.Slice(from, to), Hi: b.Hi.Slice(from, to)}
}
