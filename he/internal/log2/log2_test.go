package log2

import (
	"math"
	"math/big"
	"testing"
)

func TestInt(t *testing.T) {
	for _, shift := range []uint{0, 1, 52, 53, 64, 2000} {
		for _, factor := range []int64{1, 3, 1<<40 + 1} {
			x := new(big.Int).Lsh(big.NewInt(factor), shift)
			if want, got := float64(shift)+math.Log2(float64(factor)), Int(x); math.Abs(got-want) > 1e-12*max(want, 1) {
				t.Errorf("Int(%d << %d) = %v, want %v", factor, shift, got, want)
			}
		}
	}
	for _, x := range []int64{0, -5} {
		if got := Int(big.NewInt(x)); got != 0 {
			t.Errorf("Int(%d) = %v", x, got)
		}
	}
}

func TestProduct(t *testing.T) {
	if got := Product([]uint64{2, 4}, nil, []uint64{1 << 63}); got != 66 {
		t.Errorf("Product = %v, want 66", got)
	}
	if got := Product(); got != 0 {
		t.Errorf("empty product: %v", got)
	}
}

func TestSum(t *testing.T) {
	for _, c := range [][2]float64{{0, 0}, {3, 5}, {-60, 2}, {1000, 999}, {1000, -1000}} {
		a, b := c[0], c[1]
		shift := max(a, b)
		want := shift + math.Log2(math.Exp2(a-shift)+math.Exp2(b-shift))
		if got := Sum(a, b); math.Abs(got-want) > 1e-12*max(1, math.Abs(want)) || got != Sum(b, a) {
			t.Errorf("Sum(%v, %v) = %v, want %v", a, b, got, want)
		}
		root := shift + math.Log2(math.Exp2(2*(a-shift))+math.Exp2(2*(b-shift)))/2
		if got := RootSumSquare(a, b); math.Abs(got-root) > 1e-12*max(1, math.Abs(root)) {
			t.Errorf("RootSumSquare(%v, %v) = %v, want %v", a, b, got, root)
		}
	}
	none := math.Inf(-1)
	if Sum(none, 3) != 3 || Sum(none, none) != none || RootSumSquare(3, none) != 3 {
		t.Error("a sum with nothing is not the other")
	}
}
