package bgv

import (
	"fmt"
	"maps"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// minPrimeBits and maxPrimeBits bound every prime in use. Transforms
// are lazy up to four times the modulus and more, which 61 bits allow.
const (
	minPrimeBits = 20
	maxPrimeBits = 61
)

// primes hands out distinct primes p = 1 mod 2N, the largest below a power of
// two first: a uniform sample is then rarely rejected.
type primes struct {
	logN int
	used map[uint64]bool
}

func newPrimes(logN int) *primes { return &primes{logN, map[uint64]bool{}} }

// below returns the largest unused prime of at most so many bits, but more than
// half a bit less is refused.
func (p *primes) below(bits int) (uint64, error) {
	g := ring.NewNTTFriendlyPrimesGenerator(uint64(bits), 1<<(p.logN+1))
	for {
		q, err := g.NextDownstreamPrime()
		if err != nil {
			return 0, fmt.Errorf("bgv: no prime of %d bits is left that is 1 modulo 2^%d", bits, p.logN+1)
		}
		if !p.used[q] {
			p.used[q] = true
			return q, nil
		}
	}
}

// several returns n primes of at most so many bits each.
func (p *primes) several(n, bits int) ([]uint64, error) {
	all := make([]uint64, n)
	for i := range all {
		var err error
		if all[i], err = p.below(bits); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// plaintextPrimes returns k primes, as small as can be, whose product passes
// width.
func plaintextPrimes(logN, k int, width *big.Int) ([]uint64, *primes, error) {
	from := max(logN+2, (width.BitLen()+k-1)/k)
	for bits := from; bits <= maxPrimeBits; bits++ {
		p := newPrimes(logN)
		t, err := p.several(k, bits)
		if err == nil && product(t).Cmp(width) > 0 {
			return t, p, nil
		}
	}
	return nil, nil, fmt.Errorf("%d bits do not fit %d plaintext prime(s) of %d", width.BitLen(), k, maxPrimeBits)
}

func product(primes []uint64) *big.Int {
	p := big.NewInt(1)
	for _, x := range primes {
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

// clone keeps what p has handed out so far.
func (p *primes) clone() *primes { return &primes{p.logN, maps.Clone(p.used)} }
