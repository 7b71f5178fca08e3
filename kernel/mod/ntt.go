package mod

import (
	"fmt"
	"math/bits"
)

// Transform is the number theoretic transform of length n = 2^k modulo q: values
// of a polynomial modulo X^n + 1 at the odd powers of a 2n-th root of unity psi,
//
//	y_i = sum_j x_j psi^(j (2 brv(i) + 1))
//
// where brv reverses k bits. It is immutable.
//
// References: Seiler, "Faster AVX2 optimized NTT multiplication for Ring-LWE
// lattice cryptography", 2018; Harvey, "Faster arithmetic for number-theoretic
// transforms", 2014, for the lazy butterflies.
type Transform struct {
	m         *Modulus
	n         int
	psi       uint64
	scale     [2]uint64 // 1/n, and its quotient
	last      [2]uint64 // 1/n times the root of the inverse's last layer
	roots     []uint64  // psi^brv(i), each followed by its quotient
	inverses  []uint64
	lanes     []uint64 // of the last three layers, see block
	unlanes   []uint64
	passes    []int // logs of radices
	quotients int   // bits of the quotients

	double *doubleTables // in the place of all tables above, if fused
}

// NewTransform prepares a transform with a root of unity psi. It returns an
// error if n is not a power of two in 16..2^20 or psi is not a primitive 2n-th
// root modulo q.
func NewTransform(m *Modulus, n int, psi uint64) (*Transform, error) {
	if n < 16 || n > 1<<20 || n&(n-1) != 0 {
		return nil, fmt.Errorf("mod: transform of length %d, want a power of two in 16..2^20", n)
	}
	if psi >= m.Q || m.Power(psi, uint64(n)) != m.Q-1 {
		return nil, fmt.Errorf("mod: %d is not a primitive root of unity of order %d modulo %d", psi, 2*n, m.Q)
	}
	t := &Transform{m: m, n: n, psi: psi, quotients: 64}
	roots, inverses := t.powers(psi), t.powers(m.Inverse(psi))
	if t.fused() {
		t.double = t.newDoubleTables(roots, inverses)
		return t, nil
	}
	if t.fast() {
		t.quotients = 52
		t.passes = passes(bits.Len(uint(n)) - 1 - 6)
	}
	t.scale[0] = m.Inverse(uint64(n))
	t.scale[1] = m.quotient(t.scale[0], t.quotients)
	t.last[0] = m.Mul(t.scale[0], inverses[1])
	t.last[1] = m.quotient(t.last[0], t.quotients)
	t.roots, t.inverses = t.pairs(roots), t.pairs(inverses)
	if t.fast() {
		t.lanes, t.unlanes = t.spread(t.roots), t.spread(t.inverses)
	}
	return t, nil
}

// fast says whether the assembly with the 52-bit multiply-add serves t, fused the
// same of the assembly on float64.
func (t *Transform) fast() bool  { return t.m.fast() && t.n >= 256 }
func (t *Transform) fused() bool { return t.m.fused() && t.n >= 256 }

// powers are the powers of psi in bit-reversed order.
func (t *Transform) powers(psi uint64) []uint64 {
	table := make([]uint64, t.n)
	shift := 65 - bits.Len(uint(t.n))
	w := uint64(1)
	for j := range t.n {
		table[bits.Reverse64(uint64(j))>>shift] = w
		w = t.m.Mul(w, psi)
	}
	return table
}

// pairs are words with their quotients.
func (t *Transform) pairs(words []uint64) []uint64 {
	table := make([]uint64, 0, 2*len(words))
	for _, w := range words {
		table = append(table, w, t.m.quotient(w, t.quotients))
	}
	return table
}

// Len is n.
func (t *Transform) Len() int { return t.n }

// Modulus is q, with its kernels.
func (t *Transform) Modulus() *Modulus { return t.m }

// Forward transforms x in place. Its words must be below 4q; the results are
// reduced.
func (t *Transform) Forward(x []uint64) {
	if len(x) != t.n {
		panic(fmt.Sprintf("mod: transform of %d words, want %d", len(x), t.n))
	}
	switch {
	case t.fast():
		t.forwardFast(x)
	case t.fused():
		t.forwardDouble(x)
	default:
		t.forwardPortable(x)
	}
}

// Inverse undoes Forward in place. The words of x must be below 2q; the results
// are reduced.
func (t *Transform) Inverse(x []uint64) {
	if len(x) != t.n {
		panic(fmt.Sprintf("mod: transform of %d words, want %d", len(x), t.n))
	}
	switch {
	case t.fast():
		t.inverseFast(x)
	case t.fused():
		t.inverseDouble(x)
	default:
		t.inversePortable(x)
	}
}
