package bgvlut

import (
	"math/bits"

	"qtool/internal/elementary"
)

// # Halves of the slots
//
// i = X^(N/2) squares to -1, so that Z[i] lies in the ring. Modulo T it is a root u of -1
// in one half of the slots and -u in the other. A plan of two copies has every sample in
// both halves, at slots k and N-1-k, which X -> X^-1 takes to each other, and a ciphertext
// then holds two elements, one a half: half 0 is where i is u.

// gaussian is the element re + im i of Z[i].
type gaussian struct{ re, im int64 }

// log is log2 of its size, which is the same at all roots of unity.
func (g gaussian) log() float64 {
	re, im := float64(g.re), float64(g.im)
	return elementary.Log2(float64(re*re)+float64(im*im)) / 2
}

// masks are what two ciphertexts are multiplied by and added up, to have the first one's
// half 0 beside the second one's half 1: both times the plaintext factor.
type masks struct {
	of     [2]gaussian
	factor uint64
}

// short are masks of size sqrt(T): T = a^2 + b^2, and the conjugate primes a + b i and
// a - b i above T are each zero modulo T in one half of the slots, and 2a in the other.
// u is the root of -1 of half 0.
func (t field) short(u uint64) masks {
	for a := int64(1); ; a++ {
		b := int64(root(uint64(t) - uint64(a*a)))
		if uint64(a*a+b*b) != uint64(t) {
			continue
		}
		if t.add(t.of(a), t.mul(t.of(b), t.sub(0, u))) != 0 { // half 1
			b = -b
		}
		return masks{[2]gaussian{{a, b}, {a, -b}}, t.of(2 * a)}
	}
}

// exact are masks with the factor 1: the idempotents (1 + i/u)/2 and (1 - i/u)/2, with
// both coefficients lifted to (-T/2, T/2].
func (t field) exact(u uint64) masks {
	half := t.inverse(2)
	re, im := t.lift(half), t.lift(t.mul(half, t.inverse(u)))
	return masks{[2]gaussian{{re, im}, {re, -im}}, 1}
}

// split are the coefficients of the polynomial c + d i that is a in half 0 and b in half 1.
func (t field) split(a, b, u uint64) (c, d uint64) {
	half := t.inverse(2)
	return t.mul(t.add(a, b), half), t.mul(t.sub(a, b), t.mul(half, t.inverse(u)))
}

// imaginary is the root of -1 below T/2: of T = 1 mod 4.
func (t field) imaginary() uint64 {
	for x := uint64(2); ; x++ {
		u, e := uint64(1), (uint64(t)-1)/4
		for b := x; e > 0; e >>= 1 {
			if e&1 == 1 {
				u = t.mul(u, b)
			}
			b = t.mul(b, b)
		}
		if t.mul(u, u) == uint64(t)-1 {
			return min(u, uint64(t)-u)
		}
	}
}

// root is floor(sqrt(n)) for n below 2^31.
func root(n uint64) uint64 {
	r := uint64(0)
	for b := uint64(1) << (bits.Len64(n) / 2); b > 0; b >>= 1 {
		if (r+b)*(r+b) <= n {
			r += b
		}
	}
	return r
}
