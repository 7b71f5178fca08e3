// Package ckksnoise has the sources of error of CKKS evaluations, as variances in each
// slot. A coefficient's variance v makes N v in every slot, as the embedding is sqrt(N)
// times an isometry; S is the scale of the ciphertext.
//
// References: Costache, Curtis, Hales, Murphy, Ogilvie and Player, "On the precision loss
// in approximate homomorphic encryption", SAC 2023; for key switches Gentry, Halevi and
// Smart, "Homomorphic evaluation of the AES circuit", CRYPTO 2012.
package ckksnoise

import (
	"qtool/he/internal/sample"
	"qtool/internal/elementary"
)

// Sources are the noise sources of a ring and its primes.
type Sources struct {
	n       float64
	q       []float64 // of the chain
	digit   int       // primes of a digit of key switching: as many as are special
	special float64   // product of the special primes
}

// New is for the ring of degree 2^logN with the primes of the chain, the last that is
// dropped first, and special ones.
func New(logN int, q, special []uint64) *Sources {
	s := &Sources{n: elementary.Exp2(float64(logN)), digit: len(special), special: 1}
	for _, x := range q {
		s.q = append(s.q, float64(x))
	}
	for _, x := range special {
		s.special *= float64(x)
	}
	return s
}

// Degree is N.
func (s *Sources) Degree() float64 { return s.n }

// Prime is prime i of the chain.
func (s *Sources) Prime(i int) float64 { return s.q[i] }

// Fresh is encryption and the rounding of an encoding:
//
//	N (sigma^2 + 1/12) / S^2
func (s *Sources) Fresh(scale float64) float64 {
	return s.n * (sample.Sigma*sample.Sigma + 1./12) / float64(scale*scale)
}

// Rounding is a division by primes, of c_0 and of c_1 times a ternary secret:
//
//	N (1 + 2N/3) / 12 / S^2
func (s *Sources) Rounding(scale float64) float64 {
	return s.n * (1 + 2*s.n/3) / 12 / float64(scale*scale)
}

// Switching is a key switch of limbs primes, before it is rounded, with digits D_j and
// the product P of the special primes:
//
//	N^2 sigma^2 sum_j D_j^2 / 12 / (P S)^2
func (s *Sources) Switching(limbs int, scale float64) float64 {
	sum := 0.0
	for j := 0; j < limbs; j += s.digit {
		d := 1.0
		for _, q := range s.q[j:min(j+s.digit, limbs)] {
			d *= q
		}
		sum += d * d / 12
	}
	x := s.n * sample.Sigma / (s.special * scale)
	return float64(float64(x*x) * sum)
}

// Diagonal is the rounding of one encoded plaintext, for each unit of the factor that it
// is multiplied by, in units of its own scale:
//
//	N / 12
func (s *Sources) Diagonal() float64 { return s.n / 12 }
