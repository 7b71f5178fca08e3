package bgv

import (
	"fmt"
	"math/big"
	"qtool/he/internal/primes"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// minPrimeBits and maxPrimeBits bound every prime in use. Transforms
// are lazy up to four times the modulus and more, which 61 bits allow.
const (
	minPrimeBits = 20
	maxPrimeBits = 61
)

// plaintextPrimes returns k primes, as small as can be, whose product passes
// width.
func plaintextPrimes(logN, k int, width *big.Int) ([]uint64, *primes.Source, error) {
	from := max(logN+2, (width.BitLen()+k-1)/k)
	for bits := from; bits <= maxPrimeBits; bits++ {
		p := primes.New(logN)
		t, err := p.Several(k, bits)
		if err == nil && product(t).Cmp(width) > 0 {
			return t, p, nil
		}
	}
	return nil, nil, fmt.Errorf("%d bits do not fit %d plaintext prime(s) of %d", width.BitLen(), k, maxPrimeBits)
}

func product(factors []uint64) *big.Int {
	p := big.NewInt(1)
	for _, x := range factors {
		p.Mul(p, new(big.Int).SetUint64(x))
	}
	return p
}

// inverse is x^-1 mod the prime q.
func inverse(x, q uint64) uint64 { return powMod(x, q-2, q) }

func powMod(x, e, m uint64) uint64 { return ring.ModExp(x%m, e, m) }

func mulMod(a, b, m uint64) uint64 { return ring.BRed(a, b, m, ring.BRedConstant(m)) }

// lift is the representative of v mod m in (-m/2, m/2].
func lift(v, m uint64) int64 {
	if v > m/2 {
		return int64(v) - int64(m)
	}
	return int64(v)
}

// residue is v modulo m in [0, m).
func residue(v int64, m uint64) uint64 {
	if t := int64(m); v >= t || v <= -t {
		v %= t
	}
	return uint64(v + int64(m)&(v>>63))
}
