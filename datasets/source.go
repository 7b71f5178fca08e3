package datasets

import (
	"math/bits"
	"math/rand/v2"
)

// Streams keep random draws for different purposes apart under one seed.
const (
	streamHoldout uint64 = 1 + iota
	streamAugment
	streamDigits
	streamDigitLabels
	streamDraw
)

// source is a stream of random draws that is the same on every machine and in
// every Go release: it takes only raw 64-bit words from PCG (whose algorithm
// is fixed) and derives every other draw itself, without fused operations.
type source struct{ pcg rand.PCG }

// newSource returns the source named by seed and a path of words below it.
func newSource(seed uint64, path ...uint64) *source {
	s := new(source)
	s.seed(seed, path...)
	return s
}

// seed restarts s as newSource would make it.
func (s *source) seed(seed uint64, path ...uint64) {
	h := mix64(seed)
	for _, p := range path {
		h = mix64(h ^ mix64(p))
	}
	s.pcg.Seed(h, mix64(h))
}

// unit returns a number uniform in [0, 1), a multiple of 2^-53.
func (s *source) unit() float64 { return float64(s.pcg.Uint64()>>11) / (1 << 53) }

// between returns a number uniform in [lo, hi).
func (s *source) between(lo, hi float64) float64 { return lo + mul(hi-lo, s.unit()) }

// bell returns a number with mean 0, standard deviation sigma and no tails
// beyond 3.47 sigma: the scaled sum of four uniform numbers.
func (s *source) bell(sigma float64) float64 {
	const root3 = 1.7320508075688772
	sum := s.unit() + s.unit() + s.unit() + s.unit()
	return mul(mul(sum-2, root3), sigma)
}

// below returns an integer uniform in [0, n), up to a bias of n/2^64.
func (s *source) below(n int) int {
	hi, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(hi)
}

// permutation returns 0..n-1 shuffled. Position i is settled by the i-th draw.
func (s *source) permutation(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := range p {
		j := i + s.below(n-i)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// mix64 is a bijection in which every input bit moves about half of the output
// bits.
//
// Reference: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
// Generators", OOPSLA 2014; constants of Stafford's variant 13.
func mix64(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
