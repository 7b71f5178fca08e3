// Package keyset makes the evaluation keys that an engine takes, and writes and
// reads them: rotations and relinearisation, each for ciphertexts of as many limbs
// as it is used on.
package keyset

import (
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/internal/parallel"
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

// Sent is the size of the keys as they are sent: a seed, and the body of each key.
func (n Needs) Sent(logN, special int) int64 { return 32 + n.Bytes(logN, special)/2 }

// task is a key to make: of a rotation by so many slots, or relinearisation.
type task struct{ slots, limbs int }

// tasks are the keys in the order in which they are sent.
func (n Needs) tasks() []task {
	var all []task
	for _, r := range n.Sorted() {
		all = append(all, task{r, n.Rotations[r]})
	}
	if n.Relin > 0 {
		all = append(all, task{relinearisation, n.Relin})
	}
	return all
}

// Count is the number of keys.
func (n Needs) Count() int { return len(n.tasks()) }

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

// put adds a key of relinearisation, or of a rotation by so many slots.
func (s *Set) put(params rlwe.Parameters, slots int, g rlwe.GadgetCiphertext) {
	if slots == relinearisation {
		s.Relin = &rlwe.RelinearizationKey{EvaluationKey: rlwe.EvaluationKey{GadgetCiphertext: g}}
	} else {
		s.Galois[slots] = newGaloisKey(params, slots, g)
	}
}

// Read reads what Write wrote for the same needs, and no further than the first error,
// which is in's. It then makes the masks, on all cores.
func Read(in *wire.Reader, params rlwe.Parameters, n Needs) *Set {
	s := &Set{Galois: map[int]*rlwe.GaloisKey{}}
	seed := [32]byte(in.Bytes(32))
	tasks := n.tasks()
	keys := make([]rlwe.GadgetCiphertext, len(tasks))
	for i, t := range tasks {
		if in.Err() != nil {
			return s
		}
		keys[i] = newGadget(params, t.limbs, func(half int, q uint64) []uint64 {
			if half == mask || in.Err() != nil {
				return nil
			}
			return in.NewWords64(params.N(), q)
		})
	}
	if in.Err() != nil {
		return s
	}
	parallel.Each(runtime.GOMAXPROCS(0), len(tasks), func(i int) {
		masks := sample.NewStream(maskSeed(seed, i))
		for _, digit := range keys[i].Value {
			fill := func(limbs [][]uint64, moduli []uint64) {
				for k := range limbs {
					limbs[k] = make([]uint64, params.N())
					masks.Uniform(limbs[k], moduli[k])
				}
			}
			fill(digit[0][mask].Q.Coeffs, params.Q())
			fill(digit[0][mask].P.Coeffs, params.P())
		}
	})
	for i, t := range tasks {
		s.put(params, t.slots, keys[i])
	}
	return s
}

// The halves of a digit.
const (
	body = iota
	mask
)

// limbs calls f with every limb of a half of a key and its modulus.
func limbs(params rlwe.Parameters, g *rlwe.GadgetCiphertext, half int, f func(x []uint64, q uint64)) {
	for _, digit := range g.Value {
		for i, x := range digit[0][half].Q.Coeffs {
			f(x, params.Q()[i])
		}
		for i, x := range digit[0][half].P.Coeffs {
			f(x, params.P()[i])
		}
	}
}
