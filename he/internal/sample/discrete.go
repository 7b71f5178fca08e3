package sample

import (
	"encoding/binary"
	"fmt"
	"math/big"
)

// MaxDeviation bounds the standard deviation of DiscreteGaussian.
const MaxDeviation = 1 << 50

// DiscreteGaussian draws an integer x from the discrete Gaussian of parameter sigma,
// 1 to MaxDeviation:
//
//	P(x) = exp(-x^2 / (2 sigma^2)) / sum_k exp(-k^2 / (2 sigma^2))
//
// The distribution is this one exactly, for uniform words of the stream: probabilities
// are compared as fractions of integers, and no floating-point number takes part. A draw
// lies outside [-c sigma, c sigma] with probability at most 2 exp(-c^2/2). Its time
// depends on what is drawn. It panics for another sigma.
//
// Reference: Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential
// Privacy", NeurIPS 2020, algorithms 1 to 3 (with the scale sigma in the place of the
// integer behind it, which changes the rate of rejection alone).
func (s *Stream) DiscreteGaussian(sigma int64) int64 {
	if sigma < 1 || sigma > MaxDeviation {
		panic(fmt.Sprintf("sample: a discrete Gaussian of standard deviation %d, want 1..%d", sigma, int64(MaxDeviation)))
	}
	square := big.NewInt(sigma)
	square.Lsh(square.Mul(square, square), 1) // 2 sigma^2
	for {
		x := s.discreteLaplace(sigma)
		// With scale sigma, the Laplace variable is accepted with probability
		// exp(-(|x| - sigma)^2 / (2 sigma^2)).
		d := big.NewInt(max(x, -x) - sigma)
		if s.exponential(d.Mul(d, d), square) {
			return x
		}
	}
}

// discreteLaplace draws x with probability proportional to exp(-|x|/scale).
func (s *Stream) discreteLaplace(scale int64) int64 {
	one, wide := big.NewInt(1), big.NewInt(scale)
	for {
		u := s.below(wide)
		if !s.exponential(u, wide) {
			continue
		}
		x := u.Int64()
		for s.exponential(one, one) {
			x += scale
		}
		switch negative := s.word()&1 == 1; {
		case !negative:
			return x
		case x > 0:
			return -x
		}
	}
}

// exponential is true with probability exp(-a/b), for a >= 0 and b > 0.
func (s *Stream) exponential(a, b *big.Int) bool {
	one := big.NewInt(1)
	rest := new(big.Int).Set(a)
	for ; rest.Cmp(b) > 0; rest.Sub(rest, b) {
		if !s.exponential(one, one) {
			return false
		}
	}
	// With g = rest/b at most 1, the number of successes in draws of probability
	// g/1, g/2, g/3, ... until the first failure is even with probability
	// 1 - g + g^2/2 - g^3/6 + ... = exp(-g).
	n := int64(1)
	for s.below(new(big.Int).Mul(b, big.NewInt(n))).Cmp(rest) < 0 {
		n++
	}
	return n%2 == 1
}

// below draws a uniform integer of [0, n), by rejection.
func (s *Stream) below(n *big.Int) *big.Int {
	bits := n.BitLen()
	words := make([]uint64, (bits+63)/64)
	b := make([]byte, 8*len(words))
	for {
		s.Words(words)
		words[0] >>= (64 - bits%64) % 64
		for i, w := range words {
			binary.BigEndian.PutUint64(b[8*i:], w)
		}
		if x := new(big.Int).SetBytes(b); x.Cmp(n) < 0 {
			return x
		}
	}
}
