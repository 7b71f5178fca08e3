package bundle

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// genWide leans to 0, +-1 and integers beside powers of two.
func genWide() *rapid.Generator[*big.Int] {
	return rapid.Custom(func(t *rapid.T) *big.Int {
		x := new(big.Int).Lsh(big.NewInt(1), uint(rapid.IntRange(0, 300).Draw(t, "bits")))
		if rapid.Bool().Draw(t, "random") {
			x.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
		}
		x.Add(x, big.NewInt(rapid.Int64Range(-1, 1).Draw(t, "beside")))
		if rapid.Bool().Draw(t, "negative") {
			x.Neg(x)
		}
		return x
	})
}

// The digits of an integer are as the definition says, and a linear map on digits
// gives what it gives in arbitrary precision.
func TestDigitsAreTheirIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(genWide(), 1, 12).Draw(t, "x")
		largest := rapid.SampledFrom([]int32{1, 7, 127, 1 << 20, 1<<31 - 1}).Draw(t, "largest")
		b := newRowBuilder(len(x), 3, 0)
		var bias []*big.Int
		for range 3 {
			for i := range x {
				b.add(i, rapid.OneOf(rapid.Int32Range(-largest, largest), rapid.SampledFrom([]int32{0, largest, -largest})).Draw(t, "w"))
			}
			b.end()
			bias = append(bias, genWide().Draw(t, "bias"))
		}
		b.r.Bias = NewVec(bias)
		r := b.rows()
		d, ok := newDigits(x, r.MaxL1())
		if !ok {
			t.Fatalf("no digits for a norm of %d", r.MaxL1())
		}
		for i, want := range x {
			got := new(big.Int)
			for j := len(d.d) - 1; j >= 0; j-- {
				if v := d.d[j][i]; v <= -1<<d.base || v >= 1<<d.base {
					t.Fatalf("digit %d is not below 2^%d", v, d.base)
				}
				got.Lsh(got, d.base).Add(got, big.NewInt(d.d[j][i]))
			}
			if got.Cmp(want) != 0 {
				t.Fatalf("digits of %v are those of %v", want, got)
			}
		}
		if got, want := d.apply(r), r.applyWide(x); !got.Equal(want) {
			t.Fatalf("sums %v, want %v", got, want)
		}
	})
}

// At the largest norm that a digit length allows, sums of the largest digits are
// still exact; one digit shorter than minDigit is refused.
func TestDigitsAtTheirLimit(t *testing.T) {
	const w = 1<<31 - 1
	for _, n := range []int{1, 1 << 14, 1<<15 - 1} {
		b := newRowBuilder(n, 2, 2*n)
		x := make([]*big.Int, n)
		for i := range x {
			x[i] = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 192), big.NewInt(1))
		}
		for _, w := range []int32{w, -w} {
			for i := range x {
				b.add(i, w)
			}
			b.end()
		}
		b.r.Bias = Vec{Small: []int64{1, -1}}
		r := b.rows()
		d, ok := newDigits(x, r.MaxL1())
		if !ok {
			t.Fatalf("no digits for %d weights", n)
		}
		if got, want := d.apply(r), r.applyWide(x); !got.Equal(want) {
			t.Errorf("%d weights: sums %v, want %v", n, got, want)
		}
	}
	if _, ok := newDigits(nil, 1<<46-1); !ok {
		t.Error("digits of 16 bits are refused")
	}
	if _, ok := newDigits(nil, 1<<46); ok {
		t.Error("digits of 15 bits are accepted")
	}
}
