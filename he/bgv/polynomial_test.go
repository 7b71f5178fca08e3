package bgv

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/kernel/mod"
)

// naiveProduct multiplies polynomials in s by definition, and by a factor.
func naiveProduct(q, factor uint64, x, y []uint64) []uint64 {
	out := make([]uint64, len(x)+len(y)-block)
	modulus, f := new(big.Int).SetUint64(q), new(big.Int).SetUint64(factor)
	for i := range len(x) / block {
		for k := range len(y) / block {
			for j := range block {
				a, b := new(big.Int).SetUint64(x[i*block+j]), new(big.Int).SetUint64(y[k*block+j])
				at := &out[(i+k)*block+j]
				a.Mul(a, b).Mul(a, f).Add(a, new(big.Int).SetUint64(*at)).Mod(a, modulus)
				*at = a.Uint64()
			}
		}
	}
	return out
}

// testModuli are primes from the shortest to the longest that are in use.
var testModuli = []uint64{786433, 70368743669761, 576460752303415297, 2305843009211596801}

// edge leans to 0, 1 and q-1.
func edge(r *rand.Rand, q uint64) uint64 {
	switch r.IntN(4) {
	case 0:
		return q - 1
	case 1:
		return r.Uint64N(2)
	}
	return r.Uint64N(q)
}

func edges(r *rand.Rand, n int, q uint64) []uint64 {
	x := make([]uint64, n)
	for i := range x {
		x[i] = edge(r, q)
	}
	return x
}

func TestProductsAreTheirTwins(t *testing.T) {
	r := bundletest.Rand(6)
	for _, q := range testModuli {
		m := mod.New(q)
		for degree := range 5 {
			factor := r.Uint64N(q)
			c := constants{m: m, factor: m.DotFactor(factor)}
			x, y := edges(r, (degree+1)*block, q), edges(r, (1+r.IntN(4))*block, q)
			got := make([]uint64, len(x)+len(y)-block)
			c.dots(got, x, y, products(degree, len(y)/block-1))
			if fmt.Sprint(got) != fmt.Sprint(naiveProduct(q, factor, x, y)) {
				t.Fatalf("q %d: product of degrees %d and %d differs", q, degree, len(y)/block-1)
			}
			// A sum of squares of elements that are apart.
			const n, gap = 4, 3 * block
			stride := len(x) + gap
			all := edges(r, n*stride, q)
			got, want := make([]uint64, 2*len(x)-block), make([]uint64, 2*len(x)-block)
			c.dots(got, all, all, squares(degree, n, stride))
			for w := range n {
				one := all[w*stride:][:len(x)]
				for k, v := range naiveProduct(q, factor, one, one) {
					want[k] = (want[k] + v) % q
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("q %d: squares of degree %d differ", q, degree)
			}
		}
	}
}
