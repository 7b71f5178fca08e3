package security

import "fmt"

// The LWE dimensions that MaxLogLWE speaks of.
const minLWE, maxLWE = 450, 2048

// The line of MaxLogLWE: the row of the table that it has its slope from, and its
// shift.
const rowDimension, rowLogQ, shift = 1024, 26, 32

// MaxLogLWE is the largest log2(q) with 128 bits of security for LWE of
// dimension n, without a ring, with an error of standard deviation 3.2 and a
// uniform binary or ternary secret:
//
//	log2 q <= 26 (n - 32) / 1024
//
// The best known attacks keep their cost along lines log2(q/sigma) = a n - b.
// The slope is taken from the guidelines' row n = 1024, log2 q = 26 for ternary
// secrets. The shift by 32 dimensions, 0.81 bits, pays for binary secrets and for
// dimensions below 1024: the line then lies below the line through the
// guidelines' first two rows (1024, 26) and (2048, 53), and below the published
// fit of the lattice estimator to binary secrets, log2(q/sigma) = 0.026405 n -
// 2.4826 for n >= 450, everywhere. ok is false outside n = 450..2048, where this
// says nothing.
//
// Reference: Bossuat et al., "Security Guidelines for Implementing Homomorphic
// Encryption", 2024 (ia.cr/2024/463), table 5.2; the security curves of Zama's
// Concrete compiler, binary keys, 128 bits.
func MaxLogLWE(n int) (bits float64, ok bool) {
	if n < minLWE || n > maxLWE {
		return 0, false
	}
	return rowLogQ * float64(n-shift) / rowDimension, true
}

// LWEDimension is the smallest dimension whose MaxLogLWE is at least logQ bits.
func LWEDimension(logQ int) int { return max(minLWE, shift+(rowDimension*logQ+rowLogQ-1)/rowLogQ) }

// CheckLWE returns an *InsecureLWEError if a modulus of logQ bits in dimension n
// has less than 128 bits of security or is outside what MaxLogLWE knows.
func CheckLWE(n int, logQ float64) error {
	if limit, ok := MaxLogLWE(n); !ok || logQ > limit {
		return &InsecureLWEError{n, logQ, limit}
	}
	return nil
}

// InsecureLWEError says that LWE parameters have less than 128 bits of security.
// Limit is 0 where nothing is known of the dimension.
type InsecureLWEError struct {
	Dimension   int
	LogQ, Limit float64
}

// Error names the dimension, the modulus and the limit.
func (e *InsecureLWEError) Error() string {
	if e.Limit == 0 {
		return fmt.Sprintf("security: LWE dimension %d is outside %d to %d", e.Dimension, minLWE, maxLWE)
	}
	return fmt.Sprintf("security: modulus of %.1f bits in LWE dimension %d is insecure: %d bits of security allow %.1f", e.LogQ, e.Dimension, Bits, e.Limit)
}

// Is reports whether target is ErrInsecure.
func (e *InsecureLWEError) Is(target error) bool { return target == ErrInsecure }

// EstimateLWE is about how many bits of security a modulus of logQ bits in
// dimension n has, as Estimate is for rings: a warning, not a promise. Outside
// n = 1..2048 it is 0.
func EstimateLWE(n int, logQ float64) int {
	if n < 1 || n > maxLWE || logQ <= 0 {
		return 0
	}
	if limit, ok := MaxLogLWE(n); ok && logQ <= limit {
		return Bits
	}
	return max(0, min(Bits-1, int(Bits-float64(slope*(float64(rowDimension)/rowLogQ-max(0, float64(n-shift))/logQ)))))
}
