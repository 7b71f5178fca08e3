// Package keyset makes the evaluation keys that an engine takes, and writes and
// reads them: rotations and relinearisation, each for ciphertexts of as many limbs
// as it is used on.
package keyset

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/wire"
)

// Needs are the keys that a plan uses and the limbs of the largest ciphertext that
// each is used on.
type Needs struct {
	Rotations map[int]int // by slots
	Relin     int         // 0: no key
}

// Rotate says that ciphertexts of so many limbs are rotated by so many slots.
func (n *Needs) Rotate(slots, limbs int) {
	if n.Rotations == nil {
		n.Rotations = map[int]int{}
	}
	if slots != 0 {
		n.Rotations[slots] = max(n.Rotations[slots], limbs)
	}
}

// Sorted are the rotations in ascending order.
func (n Needs) Sorted() []int { return slices.Sorted(maps.Keys(n.Rotations)) }

// Bytes is the size of the keys' coefficients in the ring of degree 2^logN with so many
// special primes: a key for ciphertexts of so many limbs has two polynomials of those
// and the special primes for each digit, of as many limbs as there are special primes.
func (n Needs) Bytes(logN, special int) int64 {
	size := func(limbs int) int64 {
		return int64((limbs+special-1)/special) * 2 * int64(limbs+special) * 8 << logN
	}
	var sum int64
	for _, limbs := range n.Rotations {
		sum += size(limbs)
	}
	if n.Relin > 0 {
		sum += size(n.Relin)
	}
	return sum
}

// Set is a set of keys. It holds no secret.
type Set struct {
	Galois map[int]*rlwe.GaloisKey // by slots
	Relin  *rlwe.RelinearizationKey
}

// Rotation implements engine.EvaluationKeys.
func (s *Set) Rotation(slots int) (*rlwe.GadgetCiphertext, uint64) {
	g := s.Galois[slots]
	if g == nil {
		return nil, 0
	}
	return &g.GadgetCiphertext, g.GaloisElement
}

// Relinearisation implements engine.EvaluationKeys.
func (s *Set) Relinearisation() *rlwe.GadgetCiphertext {
	if s.Relin == nil {
		return nil
	}
	return &s.Relin.GadgetCiphertext
}

// Bytes is the size of the keys in Lattigo's form.
func (s *Set) Bytes() int64 {
	var n int
	for _, g := range s.Galois {
		n += g.BinarySize()
	}
	if s.Relin != nil {
		n += s.Relin.BinarySize()
	}
	return int64(n)
}

// Check returns an error if a key that n needs is not there or too small.
func (s *Set) Check(n Needs) error {
	for r, limbs := range n.Rotations {
		if g := s.Galois[r]; g == nil || g.LevelQ()+1 < limbs {
			return fmt.Errorf("the evaluation keys lack the rotation by %d slots of ciphertexts of %d limbs", r, limbs)
		}
	}
	if n.Relin > 0 && (s.Relin == nil || s.Relin.LevelQ()+1 < n.Relin) {
		return fmt.Errorf("the evaluation keys lack relinearisation of ciphertexts of %d limbs", n.Relin)
	}
	return nil
}

// Write writes the coefficients of the keys that n needs, which must be there:
// rotations ascending, then relinearisation.
func (s *Set) Write(out *wire.Writer, params rlwe.Parameters, n Needs) {
	write := func(x []uint64, _ uint64) { out.Words64(x) }
	for _, r := range n.Sorted() {
		limbs(params, &s.Galois[r].GadgetCiphertext, write)
	}
	if n.Relin > 0 {
		limbs(params, &s.Relin.GadgetCiphertext, write)
	}
}

// Read reads what Write wrote for the same needs: limb by limb, no further than
// the first error, which is in's.
func Read(in *wire.Reader, params rlwe.Parameters, n Needs) *Set {
	s := &Set{Galois: map[int]*rlwe.GaloisKey{}}
	read := func(limbs int) rlwe.GadgetCiphertext {
		return newGadget(params, limbs, func(q uint64) []uint64 { return in.NewWords64(params.N(), q) })
	}
	for _, r := range n.Sorted() {
		if in.Err() != nil {
			return s
		}
		s.Galois[r] = newGaloisKey(params, r, read(n.Rotations[r]))
	}
	if n.Relin > 0 && in.Err() == nil {
		s.Relin = &rlwe.RelinearizationKey{EvaluationKey: rlwe.EvaluationKey{GadgetCiphertext: read(n.Relin)}}
	}
	return s
}

// limbs calls f with every limb of a key and its modulus.
func limbs(params rlwe.Parameters, g *rlwe.GadgetCiphertext, f func(x []uint64, q uint64)) {
	for _, digit := range g.Value {
		for _, half := range digit[0] {
			for i, x := range half.Q.Coeffs {
				f(x, params.Q()[i])
			}
			for i, x := range half.P.Coeffs {
				f(x, params.P()[i])
			}
		}
	}
}
