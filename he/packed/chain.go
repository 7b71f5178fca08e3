package packed

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// primes draws distinct NTT primes of given sizes for one ring.
type primes struct {
	nthRoot uint64
	sizes   map[int]*ring.NTTFriendlyPrimesGenerator
	used    map[uint64]bool
}

func newPrimes(logN int) *primes {
	return &primes{nthRoot: 2 << logN, sizes: map[int]*ring.NTTFriendlyPrimesGenerator{}, used: map[uint64]bool{}}
}

// next is the closest unused prime to 2^bits.
func (p *primes) next(bits int) (uint64, error) {
	g := p.sizes[bits]
	if g == nil {
		n := ring.NewNTTFriendlyPrimesGenerator(uint64(bits), p.nthRoot)
		g = &n
		p.sizes[bits] = g
	}
	for {
		q, err := g.NextAlternatingPrime()
		if err != nil {
			return 0, fmt.Errorf("packed: no prime of %d bits left for transforms of order %d: %w", bits, p.nthRoot, err)
		}
		if !p.used[q] {
			p.used[q] = true
			return q, nil
		}
	}
}

// sizes are the bits of a modulus chain from the last prime to the first: base
// primes, then those that rescales drop; and of the special primes, each digit of
// as many primes as there are special ones being at most their product.
type sizes struct{ q, p []int }

// withSpecial adds special primes for digits of alpha primes.
func withSpecial(q []int, alpha int) sizes {
	widest := 0
	for j := 0; j < len(q); j += alpha {
		digit := 0
		for _, b := range q[j:min(j+alpha, len(q))] {
			digit += b
		}
		widest = max(widest, digit)
	}
	s := sizes{q: q}
	for k := range alpha {
		s.p = append(s.p, (widest+k)/alpha)
	}
	return s
}

// total is the bits of all primes.
func (s sizes) total() int {
	n := 0
	for _, list := range [][]int{s.q, s.p} {
		for _, b := range list {
			n += b
		}
	}
	return n
}

// draw picks the primes.
func (s sizes) draw(logN int) (q, p []uint64, err error) { return s.drawFrom(newPrimes(logN)) }

// drawFrom picks the primes among those not used.
func (s sizes) drawFrom(from *primes) (q, p []uint64, err error) {
	for _, list := range []struct {
		bits []int
		to   *[]uint64
	}{{s.q, &q}, {s.p, &p}} {
		for _, b := range list.bits {
			x, err := from.next(b)
			if err != nil {
				return nil, nil, err
			}
			*list.to = append(*list.to, x)
		}
	}
	return q, p, nil
}
