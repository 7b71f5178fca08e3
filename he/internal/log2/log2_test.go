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
