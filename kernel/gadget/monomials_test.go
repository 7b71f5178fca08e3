package gadget

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// root is a primitive 2n-th root of unity modulo q.
func root(t *testing.T, q uint64, n int) uint64 {
	t.Helper()
	p := new(big.Int).SetUint64(q)
	for g := int64(2); g < 1000; g++ {
		x := new(big.Int).Exp(big.NewInt(g), new(big.Int).SetUint64((q-1)/uint64(2*n)), p)
		if new(big.Int).Exp(x, big.NewInt(int64(n)), p).Uint64() == q-1 {
			return x.Uint64()
		}
	}
	t.Fatalf("no root of order %d modulo %d", 2*n, q)
	return 0
}

// product is a b mod q.
func product(a, b, q uint64) uint64 {
	x := new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
	return x.Mod(x, new(big.Int).SetUint64(q)).Uint64()
}

// A power times a key in Montgomery form times a digit is their product, whatever the
// level's own form is, and for X as a factor of digits too.
func TestPowersAreTheirDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, q := range primes {
		for _, n := range []int{64, 512} {
			psi := root(t, q, n)
			shift := 0
			for 1<<shift < n {
				shift++
			}
			reverse := func(i int) (r uint64) {
				for b := range shift {
					r |= uint64(i>>b&1) << (shift - 1 - b)
				}
				return r
			}
			form := new(big.Int).Mod(new(big.Int).Lsh(big.NewInt(1), 64), new(big.Int).SetUint64(q)).Uint64()
			for _, level := range cputest.Levels(t, cpu.IFMA) {
				m := NewMonomialsAt(level, q, n, psi)
				for _, e := range []int{0, 1, 7, n - 1, n, n + 1, 2*n - 1, rng.IntN(2 * n)} {
					from := rng.IntN(n/32) * 32
					power, key, digit := make([]uint64, n-from), words(n-from, func() uint64 { return edge(rng, q) }), words(n-from, func() uint64 { return edge(rng, q) })
					m.Power(power, e, from)
					keys := slices.Clone(key)
					for i := range keys {
						keys[i] = product(key[i], form, q)
					}
					keys = multiplied(m, power, keys)
					got, turned := make([]uint64, n-from), make([]uint64, n-from)
					m.Multiply(got, keys, digit)
					m.Multiply(turned, m.Turn()[from:], digit)
					for i := range got {
						x := new(big.Int).SetUint64(psi)
						q1 := new(big.Int).SetUint64(q)
						x.Exp(x, new(big.Int).SetUint64(uint64(e)*(2*reverse(from+i)+1)), q1)
						if want := product(product(x.Uint64(), key[i], q), digit[i], q); got[i] != want {
							t.Fatalf("%v, q %d, X^%d, word %d of %d: %d, want %d", level, q, e, from+i, n, got[i], want)
						}
						x.Exp(new(big.Int).SetUint64(psi), new(big.Int).SetUint64(2*reverse(from+i)+1), q1)
						if want := product(x.Uint64(), digit[i], q); turned[i] != want {
							t.Fatalf("%v, q %d, X, word %d of %d: %d, want %d", level, q, from+i, n, turned[i], want)
						}
					}
				}
			}
		}
	}
}

// Pair is the sum of products divided by R, for all numbers of rows, at extreme words.
func TestPairIsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for _, q := range primes {
		q1 := new(big.Int).SetUint64(q)
		psi := root(t, q, 64)
		for _, level := range cputest.Levels(t, cpu.IFMA) {
			m := NewMonomialsAt(level, q, 64, psi)
			log := uint(64)
			if m.fast() {
				log = 52
			}
			back := new(big.Int).ModInverse(new(big.Int).Lsh(big.NewInt(1), log), q1)
			for rows := 1; rows <= MaxRows; rows += 1 + rows/16 {
				draw := func() uint64 { return edge(rng, q) }
				if rows%3 == 0 {
					draw = func() uint64 { return q - 1 }
				}
				var x, ka, kb [][]uint64
				for range rows {
					x, ka, kb = append(x, words(96, draw)), append(ka, words(80, draw)), append(kb, words(80, draw))
				}
				a, b := make([]uint64, 64), make([]uint64, 64)
				m.Pair(a, b, x, ka, kb, 32, 16)
				for c, got := range [][]uint64{a, b} {
					for i, v := range got {
						sum := new(big.Int)
						for r := range rows {
							k := ka[r][16+i]
							if c == 1 {
								k = kb[r][16+i]
							}
							sum.Add(sum, new(big.Int).Mul(new(big.Int).SetUint64(x[r][32+i]), new(big.Int).SetUint64(k)))
						}
						if want := sum.Mul(sum, back).Mod(sum, q1).Uint64(); v != want {
							t.Fatalf("%v, q %d, %d rows, sum %d, word %d: %d, want %d", level, q, rows, c, i, v, want)
						}
					}
				}
			}
		}
	}
}

func TestMonomialsAreChecked(t *testing.T) {
	psi := root(t, primes[0], 64)
	m := NewMonomials(primes[0], 64, psi)
	w := func(n int) []uint64 { return make([]uint64, n) }
	for name, f := range map[string]func(){
		"an even modulus": func() { NewMonomials(primes[0]-1, 64, 1) },
		"a short ring":    func() { NewMonomials(primes[0], 32, 1) },
		"an exponent":     func() { m.Power(w(64), 128, 0) },
		"an odd length":   func() { m.Power(w(60), 1, 0) },
		"no rows":         func() { m.Pair(w(32), w(32), nil, nil, nil, 0, 0) },
		"a short row":     func() { m.Pair(w(64), w(64), [][]uint64{w(64)}, [][]uint64{w(64)}, [][]uint64{w(64)}, 32, 0) },
		"two lengths":     func() { m.Multiply(w(64), w(64), w(32)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			f()
		}()
	}
}

// multiplied is the product of x and y.
func multiplied(m *Monomials, x, y []uint64) []uint64 {
	dst := make([]uint64, len(x))
	m.Multiply(dst, x, y)
	return dst
}
