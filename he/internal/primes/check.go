package primes

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Check refuses moduli that are no distinct primes of at most so many bits, at most 61,
// with transforms of degree 2^logN.
func Check(logN, bits int, moduli ...uint64) error {
	seen := map[uint64]bool{}
	for _, q := range moduli {
		if q>>bits != 0 || q%(2<<logN) != 1 || seen[q] || !ring.IsPrime(q) {
			return fmt.Errorf("modulus %d is not a prime that is 1 modulo 2^%d, of at most %d bits, and there once", q, logN+1, bits)
		}
		seen[q] = true
	}
	return nil
}
