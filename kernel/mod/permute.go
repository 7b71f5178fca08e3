package mod

import (
	"fmt"

	"qtool/kernel/cpu"
)

// Permutation moves words in blocks of eight: a block goes to one place, in one
// of eight orders. That is what an automorphism X -> X^g does to a transform.
// It is immutable.
//
// In the order that Transform leaves, words 8b..8b+7 hold the values at powers
// of the root of unity that differ by multiples of n/4; so do their images under
// multiplication by g, as g is odd.
type Permutation struct {
	from    []uint64 // word k comes from word from[k]
	entries []uint32 // of every source block: 64 times its place, and its order
	orders  [64]uint64
	halves  *[8]halfOrder // nil where an order tears halves apart
}

// halfOrder is an order of eight words for kernels that move four: the order of half
// words in each half of the result, and the byte of the source at which the half that
// it comes from begins.
type halfOrder struct {
	words [2][8]uint32
	from  [2]uint32
	_     [14]uint32 // to 128 bytes
}

// halve is the orders by halves, or nil. An automorphism's keep halves together:
// the lowest bit of the exponents of a block's values goes to the highest of their places.
func halve(orders *[64]uint64) *[8]halfOrder {
	all := new([8]halfOrder)
	for k := range all {
		order := orders[8*k:][:8]
		for h := range 2 {
			half := order[4*h] / 4
			all[k].from[h] = uint32(32 * half)
			for r, at := range order[4*h:][:4] {
				if at/4 != half {
					return nil
				}
				all[k].words[h][2*r], all[k].words[h][2*r+1] = uint32(2*(at%4)), uint32(2*(at%4)+1)
			}
		}
	}
	return all
}

// NewPermutation prepares the permutation that puts word from[k] into place k.
// It returns an error unless blocks of eight stay together in at most eight
// orders.
func NewPermutation(from []uint64) (*Permutation, error) {
	n := len(from)
	p := &Permutation{from: from, entries: make([]uint32, n/8)}
	if n%8 != 0 || n > 1<<24 {
		return nil, fmt.Errorf("mod: a permutation of %d words, want a multiple of 8 up to 2^24", n)
	}
	seen := make([]bool, n/8)
	var known [8]bool
	for b := range n / 8 {
		source, order := from[8*b]/8, from[8*b]%8
		if source >= uint64(n/8) || seen[source] {
			return nil, fmt.Errorf("mod: word %d is taken twice or from outside", from[8*b])
		}
		seen[source] = true
		for r := range 8 {
			at := from[8*b+r]
			if at/8 != source || known[order] && p.orders[8*order+uint64(r)] != at%8 {
				return nil, fmt.Errorf("mod: block %d does not stay together", b)
			}
			p.orders[8*order+uint64(r)] = at % 8
		}
		known[order] = true
		p.entries[source] = uint32(64*b) | uint32(order)
	}
	p.halves = halve(&p.orders)
	return p, nil
}

// Len is the number of words.
func (p *Permutation) Len() int { return len(p.from) }

// Scatter puts words first, first+1, ... of a vector, which src holds, into
// their places in dst, or adds them modulo q. first and the number of words must
// be multiples of eight.
func (p *Permutation) Scatter(m *Modulus, dst, src []uint64, first int, add bool) {
	same(p.Len(), len(dst))
	if first%8 != 0 || len(src)%8 != 0 || first < 0 || first+len(src) > len(dst) {
		panic(fmt.Sprintf("mod: words %d..%d of a permutation of %d", first, first+len(src), len(dst)))
	}
	entries := p.entries[first/8:][:len(src)/8]
	if m.fast() && len(entries) > 0 {
		if add {
			scatterAddAVX512(&dst[0], &src[0], &entries[0], &p.orders[0], uint64(len(entries)), m.Q)
		} else {
			scatterAVX512(&dst[0], &src[0], &entries[0], &p.orders[0], uint64(len(entries)))
		}
		return
	}
	if m.level >= cpu.AVX2 && p.halves != nil && len(entries) > 0 {
		if table := &p.halves[0].words[0][0]; add {
			scatterAddAVX2(&dst[0], &src[0], &entries[0], table, uint64(len(entries)), m.Q)
		} else {
			scatterAVX2(&dst[0], &src[0], &entries[0], table, uint64(len(entries)))
		}
		return
	}
	for b, e := range entries {
		to, order := dst[e/64*8:][:8], p.orders[8*(e%8):][:8]
		for r := range to {
			x := src[8*b+int(order[r])]
			if add {
				x = less(to[r]+x, m.Q)
			}
			to[r] = x
		}
	}
}
