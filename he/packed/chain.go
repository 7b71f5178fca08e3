package packed

import (
	"fmt"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
)

// sizes are the bits of a modulus chain from the last prime to the first: base
// primes, then the primes that rescales drop; and of the special primes, each digit of
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

// within draws the primes, which must have limit bits together at most: else they are
// *unfit, as they are where there are none left.
func (s sizes) within(limit float64, from *primes.Source) (q, p []uint64, err error) {
	if q, p, err = s.draw(from); err != nil {
		return nil, nil, &unfit{err.Error()}
	}
	if total := log2.Product(q, p); total > limit {
		return nil, nil, &unfit{fmt.Sprintf("the primes have %.2f bits where %.0f are secure", total, limit)}
	}
	return q, p, nil
}

// draw picks the primes, each the closest to its power of two that is not used.
func (s sizes) draw(from *primes.Source) (q, p []uint64, err error) {
	for _, list := range []struct {
		bits []int
		to   *[]uint64
	}{{s.q, &q}, {s.p, &p}} {
		for _, b := range list.bits {
			x, err := from.Near(b)
			if err != nil {
				return nil, nil, err
			}
			*list.to = append(*list.to, x)
		}
	}
	return q, p, nil
}
