package bundle

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPolynomialRangeIsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.IntRange(1, 6).Draw(t, "degree")
		c := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(-20, 20), rapid.Int64Range(-1<<20, 1<<20), rapid.Just(int64(0))), d+1, d+1).Draw(t, "coefficients")
		if c[d] == 0 {
			c[d] = 1
		}
		lo := rapid.Int64Range(-60, 60).Draw(t, "lo")
		hi := lo + rapid.Int64Range(0, 80).Draw(t, "width")
		var want Range
		for x := lo; x <= hi; x++ {
			y := powers(c, x)
			if want.Lo == nil || y.Cmp(want.Lo) < 0 {
				want.Lo = y
			}
			if want.Hi == nil || y.Cmp(want.Hi) > 0 {
				want.Hi = y
			}
		}
		if got := polynomialRange(Vec{Small: c}.wide(), big.NewInt(lo), big.NewInt(hi)); !got.Equal(want) {
			t.Fatalf("range of %v over [%d, %d] is %v, want %v", c, lo, hi, got, want)
		}
	})
}

// Products of (x - r) turn at every root, which random coefficients rarely do.
func TestPolynomialRangeManyTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := []int64{1}
		for _, r := range rapid.SliceOfN(rapid.Int64Range(-12, 12), 2, 6).Draw(t, "roots") {
			next := make([]int64, len(c)+1)
			for k, a := range c {
				next[k+1] += a
				next[k] -= r * a
			}
			c = next
		}
		lo, hi := int64(-15), int64(15)
		var ys []*big.Int
		for x := lo; x <= hi; x++ {
			ys = append(ys, powers(c, x))
		}
		if got, want := polynomialRange(Vec{Small: c}.wide(), big.NewInt(lo), big.NewInt(hi)), RangeOf(NewVec(ys)); !got.Equal(want) {
			t.Fatalf("range of %v is %v, want %v", c, got, want)
		}
	})
}

func TestPolynomialRangeOfBigIntervals(t *testing.T) {
	far := new(big.Int).Lsh(big.NewInt(1), 100)
	square := new(big.Int).Lsh(big.NewInt(1), 200)
	for _, c := range []struct {
		coeffs []int64
		lo, hi *big.Int
		want   Range
	}{
		{[]int64{0, 0, 1}, new(big.Int).Neg(far), far, Range{new(big.Int), square}},
		{[]int64{0, 0, 1}, new(big.Int).Neg(far), big.NewInt(-3), Range{big.NewInt(9), square}},
		{[]int64{0, 3, 1}, new(big.Int).Neg(far), new(big.Int), Range{big.NewInt(-2), new(big.Int).Sub(square, new(big.Int).Mul(far, big.NewInt(3)))}},
		{[]int64{5, -1}, new(big.Int), far, Range{new(big.Int).Sub(big.NewInt(5), far), big.NewInt(5)}},
	} {
		if got := polynomialRange(Vec{Small: c.coeffs}.wide(), c.lo, c.hi); !got.Equal(c.want) {
			t.Errorf("range of %v over [%v, %v] is %v, want %v", c.coeffs, c.lo, c.hi, got, c.want)
		}
	}
}

func TestPolynomialErrors(t *testing.T) {
	for _, c := range []struct {
		coeffs []Vec
		want   string
	}{
		{nil, "0 coefficient rows for 3 channels"},
		{[]Vec{{Small: []int64{0, 1}}, {Small: []int64{0, 1}}}, "2 coefficient rows for 3 channels"},
		{[]Vec{{Small: []int64{1}}}, "channel 0: polynomial [1]: degree must be 1..31"},
		{[]Vec{{Small: []int64{0, 1}}, {Small: []int64{0, 1}}, {Small: []int64{1, 0}}}, "channel 2: polynomial [1 0]"},
		{[]Vec{{Small: make([]int64, 33)}}, "degree must be 1..31"},
	} {
		if _, err := (&Polynomial{c.coeffs}).OutShape([]int{3, 2, 2}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

// powers is c[0] + c[1] x + c[2] x^2 + ..., power by power.
func powers(c []int64, x int64) *big.Int {
	sum := new(big.Int)
	for k, ck := range c {
		power := new(big.Int).Exp(big.NewInt(x), big.NewInt(int64(k)), nil)
		sum.Add(sum, power.Mul(power, big.NewInt(ck)))
	}
	return sum
}
