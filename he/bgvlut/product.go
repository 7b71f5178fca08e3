package bgvlut

import (
	"math/big"

	"qtool/bundle"
	"qtool/he"
)

// product lowers a Mul of x and y to tables of one round and a sum. Without a shift,
//
//	x y = t(x+y) - t(x) - t(y),   t(s) = s (s-1)/2
//
// whose tables are polynomials of degree 2 however wide their domains are. With one, the
// quarter squares of bundle.Mul:
//
//	q(x+y) - q(x-y),   q(s) = round(s^2 / 2^(Shift+2))
//
// The product of x with itself is one table.
func (l *lowering) product(n *bundle.Node, m *bundle.Mul, node int, x, y value) (value, error) {
	size := x.Parts.Len()
	if same(x, y) {
		f := func(s int64) int64 { return bundle.RoundShift(s*s, m.Shift) }
		t, err := entries(n, x.bounds, f)
		if err != nil {
			return value{}, err
		}
		return l.table(t, node, x, x.bounds), nil
	}
	combinations, signs := [][2]int32{{1, 1}, {1, 0}, {0, 1}}, []int32{1, -1, -1}
	f := func(s int64) int64 { return s * (s - 1) / 2 }
	if m.Shift > 0 {
		combinations, signs = [][2]int32{{1, 1}, {1, -1}}, []int32{1, -1}
		f = m.Square
	}
	rows := combine(size, combinations)
	domain := combined(x.bounds, y.bounds, combinations)
	t, err := entries(n, domain, f)
	if err != nil {
		return value{}, err
	}
	v := l.linear(rows, node, join(x, y))
	v = l.table(t, node, v, domain)
	var shapes [][]int
	for range combinations {
		shapes = append(shapes, []int{size})
	}
	return l.linear((&bundle.Add{Weights: signs}).Rows(shapes...), node, v), nil
}

// same reports whether x and y are the same elements.
func same(x, y value) bool {
	if len(x.Parts) != len(y.Parts) {
		return false
	}
	for k, p := range x.Parts {
		if y.Parts[k] != p {
			return false
		}
	}
	return true
}

// combine is the rows a x_i + b y_i, for each (a, b) one row an i, on n elements x and n
// elements y behind them.
func combine(n int, combinations [][2]int32) *bundle.Rows {
	r := &bundle.Rows{Inputs: 2 * n, Start: []int32{0}, Bias: bundle.Vec{Small: make([]int64, n*len(combinations))}}
	for _, c := range combinations {
		for i := range n {
			for k, w := range c {
				if w != 0 {
					r.In, r.W = append(r.In, int32(k*n+i)), append(r.W, w)
				}
			}
			r.Start = append(r.Start, int32(len(r.In)))
		}
	}
	return r
}

// combined is the ranges of the rows of combine.
func combined(x, y bundle.Bounds, combinations [][2]int32) bundle.Bounds {
	var lo, hi []*big.Int
	for _, c := range combinations {
		for i := range x.Lo.Len() {
			a, b := new(big.Int), new(big.Int)
			for k, v := range []bundle.Bounds{x, y} {
				low, high := v.Lo.At(i), v.Hi.At(i)
				if c[k] < 0 {
					low, high = high, low
				}
				w := big.NewInt(int64(c[k]))
				a.Add(a, low.Mul(low, w))
				b.Add(b, high.Mul(high, w))
			}
			lo, hi = append(lo, a), append(hi, b)
		}
	}
	return bundle.Bounds{Lo: bundle.NewVec(lo), Hi: bundle.NewVec(hi)}
}

// entries is the table of f over all of a domain. It returns an error that names the
// layer where an entry would pass 32 bits.
func entries(n *bundle.Node, domain bundle.Bounds, f func(s int64) int64) (*bundle.LookupTable, error) {
	r := domain.Range()
	const most = 1 << 15 // its square fits 32 bits
	if r.MaxAbs().Cmp(big.NewInt(most)) >= 0 {
		return nil, he.Insufficient("bgvlut", n.Name, "a product of factors whose sum has the range %v, want it within +-%d", r, most)
	}
	t := bundle.Table{Lo: r.Lo.Int64()}
	for s := t.Lo; s <= r.Hi.Int64(); s++ {
		t.Values = append(t.Values, int32(f(s)))
	}
	return &bundle.LookupTable{Tables: []bundle.Table{t}}, nil
}
