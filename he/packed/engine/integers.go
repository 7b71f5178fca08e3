package engine

import (
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/kernel/mod"
)

// Integers writes 2^shift times the polynomial of the coefficients to dst in the
// NTT domain, and in Montgomery form if montgomery: a limb modulo each of the
// rings. Coefficients are two's complements of at most 62 bits and a sign.
func Integers(dst Poly, subs []*ring.SubRing, coefficients []uint64, shift int, montgomery bool) {
	for i, s := range subs {
		q, m, x := s.Modulus, mod.New(s.Modulus), dst[i]
		// A multiple of q makes negative coefficients positive.
		m.Reduce(x, coefficients, ((1<<62)/q+1)*q)
		s.NTT(x, x)
		factor := uint64(1<<shift) % q
		if montgomery {
			factor = m.Mul(factor, m.Mul(1<<32%q, 1<<32%q)) // 2^64
		}
		if factor != 1 {
			m.Scale(x, x, m.Factor(factor))
		}
	}
}
