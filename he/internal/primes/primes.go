// Package primes hands out the primes of rings: primes that are 1 modulo 2N, so that
// number theoretic transforms of degree N exist.
package primes

import (
	"fmt"
	"maps"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/internal/elementary"
)

// Source hands out distinct primes that are 1 modulo 2^(logN+1). It depends on nothing
// but what it was asked before.
type Source struct {
	logN int
	used map[uint64]bool
	near map[int]*ring.NTTFriendlyPrimesGenerator // by bits, where Near goes on
}

// New is a source for the ring of degree 2^logN that hands out none of used.
func New(logN int, used ...uint64) *Source {
	s := &Source{logN: logN, used: map[uint64]bool{}, near: map[int]*ring.NTTFriendlyPrimesGenerator{}}
	s.Use(used...)
	return s
}

// Use takes primes that are not to be handed out any more.
func (s *Source) Use(used ...uint64) {
	for _, q := range used {
		s.used[q] = true
	}
}

// Clone has handed out what s has.
func (s *Source) Clone() *Source {
	c := New(s.logN)
	c.used = maps.Clone(s.used)
	return c
}

// Below is the largest unused prime of at most so many bits, at most 61; one of more than
// half a bit less is refused. A uniform word of as many bits is then rarely no residue.
func (s *Source) Below(bits int) (uint64, error) {
	step := uint64(1) << (s.logN + 1)
	lowest := uint64(elementary.Exp2(float64(bits) - 0.5))
	for q := uint64(1)<<bits - step + 1; q > lowest && q < 1<<bits; q -= step {
		if !s.used[q] && new(big.Int).SetUint64(q).ProbablyPrime(0) {
			s.used[q] = true
			return q, nil
		}
	}
	return 0, s.none(bits)
}

// Several are n primes Below so many bits.
func (s *Source) Several(n, bits int) ([]uint64, error) {
	all := make([]uint64, n)
	for i := range all {
		var err error
		if all[i], err = s.Below(bits); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Wider are n primes Below so many bits, or more where there are too few, up to most:
// short ones are rare.
func (s *Source) Wider(n, bits, most int) ([]uint64, error) {
	all := make([]uint64, 0, n)
	for len(all) < n {
		q, err := s.Below(bits)
		if err == nil {
			all = append(all, q)
		} else if bits++; bits > most {
			return nil, err
		}
	}
	return all, nil
}

// Near is the unused prime that is closest to 2^bits.
func (s *Source) Near(bits int) (uint64, error) {
	g := s.near[bits]
	if g == nil {
		n := ring.NewNTTFriendlyPrimesGenerator(uint64(bits), 2<<s.logN)
		g = &n
		s.near[bits] = g
	}
	for {
		q, err := g.NextAlternatingPrime()
		if err != nil {
			return 0, s.none(bits)
		}
		if !s.used[q] {
			s.used[q] = true
			return q, nil
		}
	}
}

func (s *Source) none(bits int) error {
	return fmt.Errorf("no prime of %d bits is left that is 1 modulo 2^%d", bits, s.logN+1)
}
