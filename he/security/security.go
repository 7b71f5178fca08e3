// Package security knows how large the modulus of a ring-LWE ciphertext may be.
package security

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrInsecure is what all errors of this package are, for callers that do not
// care which parameters are insecure.
var ErrInsecure = errors.New("parameters are insecure")

// Bits is the security level that the table of MaxLogQP is for.
const Bits = 128

// minLogN is the first ring degree of the table.
const minLogN = 10

// maxLogQP is the largest log2 of the modulus QP (ciphertext modulus times
// special primes) by logN = 10, 11, ..., 17.
//
// Uniform ternary secret, error of standard deviation 3.19, 128 bits against
// classical attacks.
//
// Reference: Bossuat et al., "Security Guidelines for Implementing Homomorphic
// Encryption", 2024 (ia.cr/2024/463), table 5.2, classical, ternary.
var maxLogQP = [...]float64{26, 53, 106, 214, 430, 868, 1747, 3523}

// MaxLogQP is the largest log2(QP) with 128 bits of security in the ring of
// degree 2^logN. ok is false outside logN 10..17, where the table says nothing.
func MaxLogQP(logN int) (bits float64, ok bool) {
	if i := logN - minLogN; i >= 0 && i < len(maxLogQP) {
		return maxLogQP[i], true
	}
	return 0, false
}

// Needs says what the moduli that would be needed, in bits by logN, have to fit in.
func Needs(needed map[int]float64) string {
	var all []string
	for _, logN := range slices.Sorted(maps.Keys(needed)) {
		limit, _ := MaxLogQP(logN)
		all = append(all, fmt.Sprintf("N = 2^%d needs %.0f of at most %.0f bits", logN, needed[logN], limit))
	}
	return strings.Join(all, ", ")
}

// Check returns an *InsecureError if a modulus of logQP bits in the ring of
// degree 2^logN has less than 128 bits of security or is outside the table.
func Check(logN int, logQP float64) error {
	if limit, ok := MaxLogQP(logN); !ok || logQP > limit {
		return &InsecureError{logN, logQP, limit}
	}
	return nil
}

// Explain says in a sentence what the ring of degree 2^logN allows and what logQP bits
// are of that.
func Explain(logN int, logQP float64) string {
	limit, _ := MaxLogQP(logN)
	if Check(logN, logQP) == nil {
		return fmt.Sprintf("a ring of degree 2^%d allows %.0f bits at %d bits of security, and this has %.1f", logN, limit, Bits, logQP)
	}
	return fmt.Sprintf("INSECURE: a ring of degree 2^%d allows %.0f bits at %d bits of security, this has %.1f and with them about %d; it was asked for",
		logN, limit, Bits, logQP, Estimate(logN, logQP))
}

// InsecureError says that parameters have less than 128 bits of security. Limit
// is 0 where the table does not know the ring degree.
type InsecureError struct {
	LogN         int
	LogQP, Limit float64
}

// Error names the ring, the modulus and the limit.
func (e *InsecureError) Error() string {
	if e.Limit == 0 {
		return fmt.Sprintf("security: ring degree 2^%d is outside the table of 2^%d to 2^%d", e.LogN, minLogN, minLogN+len(maxLogQP)-1)
	}
	return fmt.Sprintf("security: modulus of %.1f bits in the ring of degree 2^%d is insecure: %d bits of security allow %.0f, this has about %d",
		e.LogQP, e.LogN, Bits, e.Limit, Estimate(e.LogN, e.LogQP))
}

// Is reports whether target is ErrInsecure.
func (e *InsecureError) Is(target error) bool { return target == ErrInsecure }

// slope is how many bits of security a unit of N/logQP is worth: the steepest
// slope between the largest moduli with 128 and with 192 bits of security that
// the authors of the guidelines computed for ternary secrets (N = 8192: 214 and
// 148 bits), so that extrapolating below 128 bits errs on the cautious side. The
// test names the computation.
const slope = 3.75

// Estimate is about how many bits of security a modulus of logQP bits has: 128
// where the table vouches for it, and below that
//
//	128 - 3.75 (N/limit - N/logQP),   at least 0
//
// rounded down, as the cost of the best lattice attacks grows nearly linearly in
// N/logQP. It is there to warn, not to promise. Outside the table it is 0.
func Estimate(logN int, logQP float64) int {
	limit, ok := MaxLogQP(logN)
	switch {
	case !ok:
		return 0
	case logQP <= limit:
		return Bits
	}
	n := float64(int(1) << logN)
	return max(0, min(Bits-1, int(Bits-float64(slope*(n/limit-n/logQP)))))
}
