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
	return New(params, 2, 0)
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
			product.Mul(product, new(big.Int).SetUint64(m.Modulus))
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
				x[i][k] = new(big.Int).Mod(v, new(big.Int).SetUint64(m.Modulus)).Uint64()
			}
			if want[k] = v; v.Cmp(half) > 0 {
				want[k] = new(big.Int).Sub(v, product)
			}
		}
		c.convert(x, out, 0, e.n)
		for j, m := range to {
			for k, v := range want {
				if w := new(big.Int).Mod(v, new(big.Int).SetUint64(m.Modulus)).Uint64(); out[j][k] != w {
					t.Fatalf("%d primes to %d: coefficient %d is %d, want %d", n, m.Modulus, k, out[j][k], w)
				}
			}
		}
	}
}

// Sums of products, in one word and in two, against big integers, with the
// largest factors there are.
func TestInsecureAccumulate(t *testing.T) {
	e := testEngine(t, []int{25, 30, 45, 60}, []int{50})
	r := rand.New(rand.NewPCG(3, 4))
	for _, m := range e.q {
		for _, n := range []int{0, 1, 2, 3, 5, 16, 17, 130, 700} {
			var list []product
			want := make([]*big.Int, e.n)
			for k := range want {
				want[k] = new(big.Int)
			}
			for range n {
				p := product{make([]uint64, e.n), make([]uint64, e.n)}
				for k := range e.n {
					a, b := m.Modulus-1, m.Modulus-1
					if k > 3 {
						a, b = r.Uint64N(m.Modulus), r.Uint64N(m.Modulus)
					}
					p.a[k], p.b[k] = a, m.montgomery(b)
					if k < 4 {
						p.b[k] = m.Modulus - 1 // the largest factor as it stands
						b = mulMod(m.Modulus-1, inverse(m.montgomery(1), m.Modulus), m.Modulus)
					}
					want[k].Add(want[k], new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b)))
				}
				list = append(list, p)
			}
			out := make([]uint64, e.n)
			m.accumulate(out, list, 0, e.n)
			for k, w := range want {
				if w.Mod(w, new(big.Int).SetUint64(m.Modulus)); out[k] != w.Uint64() {
					t.Fatalf("%d products modulo %d: coefficient %d is %d, want %v", n, m.Modulus, k, out[k], w)
				}
			}
		}
	}
}
