package engine

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
)

func testEngine(t *testing.T, logQ, logP []int) *Engine {
	t.Helper()
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: 10, LogQ: logQ, LogP: logP, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(params, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Conversion takes residues of the representative of least magnitude; against
// big integers, for one, two and three primes.
func TestInsecureConvert(t *testing.T) {
	e := testEngine(t, []int{30, 45, 27, 49, 60}, []int{50})
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 3; n++ {
		from, to := e.q[:n], e.q[n:]
		c := e.converter(from, to)
		product := big.NewInt(1)
		for _, m := range from {
			product.Mul(product, new(big.Int).SetUint64(m.Q))
		}
		half := new(big.Int).Rsh(product, 1)
		x, out := e.NewPoly(n), e.NewPoly(len(to))
		want := make([]*big.Int, e.n)
		for k := range e.n {
			v := new(big.Int)
			for range 4 {
				v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(r.Uint64()))
			}
			v.Mod(v, product)
			switch k {
			case 0:
				v.SetInt64(0)
			case 1:
				v.Sub(product, big.NewInt(1))
			case 2: // well inside, so that floats can tell the side
				v.Sub(half, new(big.Int).Rsh(product, 20))
			case 3:
				v.Add(half, new(big.Int).Rsh(product, 20))
			}
			for i, m := range from {
				x[i][k] = new(big.Int).Mod(v, new(big.Int).SetUint64(m.Q)).Uint64()
			}
			if want[k] = v; v.Cmp(half) > 0 {
				want[k] = new(big.Int).Sub(v, product)
			}
		}
		y := e.conversion(c, x)
		for i := range from {
			c.prepare(i, y.y[i])
		}
		e.count([]conversion{y})
		for j, m := range to {
			c.convert(j, out[j], y.y)
			for k, v := range want {
				if w := new(big.Int).Mod(v, new(big.Int).SetUint64(m.Q)).Uint64(); out[j][k] != w {
					t.Fatalf("%d primes to %d: coefficient %d is %d, want %d", n, m.Q, k, out[j][k], w)
				}
			}
		}
	}
}
