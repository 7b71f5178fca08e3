package engine

import (
	"context"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/kernel/mod"
)

// EvaluationKeys finds keys.
type EvaluationKeys interface {
	// Rotation is the key of the rotation by so many slots, and its Galois
	// element; nil if there is none.
	Rotation(slots int) (*rlwe.GadgetCiphertext, uint64)
	// Relinearisation is the key from s^2 to s.
	Relinearisation() *rlwe.GadgetCiphertext
}

// rotation is a key with its permutation.
type rotation struct {
	key         *rlwe.GadgetCiphertext
	permutation *mod.Permutation
}

func (e *Engine) rotation(keys EvaluationKeys, slots, limbs int) (rotation, error) {
	key, element := keys.Rotation(slots)
	if key == nil {
		return rotation{}, fmt.Errorf("engine: there is no key for the rotation by %d slots", slots)
	}
	if err := e.checkKey(key, limbs); err != nil {
		return rotation{}, err
	}
	p, err := e.permutation(element)
	return rotation{key, p}, err
}

// together bounds the ciphertexts that are decomposed at a time, so that their digits
// stay in memory that does not grow with a network.
const together = 8

// lift is c in the extended basis, times the special primes' product; its
// special limbs, all zero, are nil.
func (e *Engine) lift(all []Ciphertext) []Ciphertext {
	limbs := all[0].Limbs()
	out := make([]Ciphertext, len(all))
	for k, c := range all {
		out[k] = make(Ciphertext, len(c))
		for h := range c {
			out[k][h] = append(e.NewPoly(limbs), make([][]uint64, len(e.p))...)
		}
	}
	e.passes(limbs, func(i, from, to int) {
		for k, c := range all {
			for h := range c {
				e.q[i].Scale(out[k][h][i][from:to], c[h][i][from:to], e.q[i].special)
			}
		}
	})
	return out
}

// rotate writes words from up to to of limb i of the rotation of a decomposed
// ciphertext to their places in out, or adds them. c0 is limb i of the lifted
// c_0, nil for zero. scratch is two limbs.
func (e *Engine) rotate(d Digits, r rotation, c0 []uint64, i, limbs int, m *modulus, out [2][]uint64, scratch Poly, from, to int, add bool) {
	a, b := scratch[0][:to-from], scratch[1][:to-from]
	e.gadget(d, r.key, i, limbs, m, a, b, from)
	if c0 != nil {
		m.Add(a, a, c0[from:to])
	}
	r.permutation.Scatter(m.Modulus, out[0], a, from, add)
	r.permutation.Scatter(m.Modulus, out[1], b, from, add)
}

// summand is what a rotation is of and added to: digits, the lifted c_0, whose special
// limbs may be nil, and a total in the extended basis.
type summand struct {
	total  []Poly
	digits Digits
	c0     Poly
}

// addRotation adds one rotation of all summands, whose totals differ, to their totals:
// the key is read once.
func (e *Engine) addRotation(all []summand, r rotation, limbs int) {
	moduli := e.extended(limbs)
	e.passes(len(moduli), func(i, from, to int) {
		scratch := Poly{e.pool.limb(), e.pool.limb()}
		for _, s := range all {
			e.rotate(s.digits, r, s.c0[i], i, limbs, moduli[i], [2][]uint64{s.total[0][i], s.total[1][i]}, scratch, from, to, true)
		}
		e.Free(scratch)
	})
}

func (e *Engine) freeLifted(all ...Ciphertext) {
	for _, c := range all {
		for _, p := range c {
			for i, l := range p {
				if l != nil {
					e.Free(p[i : i+1])
				}
			}
		}
	}
}

// SumRotations replaces each of the ciphertexts, of one number of limbs, by the sum of its
// rotations by 0, step, 2 step, ... up to (2^d - 1) step, where d is the sum of rounds:
// each round of a doublings takes 2^a - 1 rotations that share their decomposition. It
// needs the keys of those rotations, consumes no level and gives back what it replaces.
func (e *Engine) SumRotations(ctx context.Context, all []Ciphertext, step int, rounds []int, keys EvaluationKeys) error {
	for from := 0; from < len(all); from += together {
		part, step := all[from:min(from+together, len(all))], step
		for _, a := range rounds {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := e.sumRound(part, step, 1<<a, keys); err != nil {
				return err
			}
			step <<= a
		}
	}
	return nil
}

// sumRound replaces ciphertexts by the sums of n rotations by multiples of step.
func (e *Engine) sumRound(cts []Ciphertext, step, n int, keys EvaluationKeys) error {
	limbs := cts[0].Limbs()
	rotations := make([]rotation, n-1)
	for j := range rotations {
		var err error
		if rotations[j], err = e.rotation(keys, (j+1)*step, limbs); err != nil {
			return err
		}
	}
	// The totals begin with the ciphertexts themselves, lifted.
	totals := e.lift(cts)
	summands := make([]summand, len(cts))
	bodies, masks := make([]Poly, len(cts)), make([]Poly, len(cts))
	for k, c := range cts {
		bodies[k], masks[k] = append(e.NewPoly(limbs), make([][]uint64, len(e.p))...), c[1]
	}
	special := len(e.p)
	e.parallel(len(cts)*(limbs+2*special), func(t int) {
		k, i := t/(limbs+2*special), t%(limbs+2*special)
		if i < limbs {
			copy(bodies[k][i], totals[k][0][i])
			return
		}
		zero := &totals[k][(i-limbs)/special][limbs+(i-limbs)%special]
		*zero = e.pool.limb()
		clear(*zero)
	})
	digits := e.decompose(masks)
	for k := range summands {
		summands[k] = summand{totals[k], digits[k], bodies[k]}
	}
	for _, r := range rotations {
		e.addRotation(summands, r, limbs)
	}
	for k, c := range cts {
		e.freeDigits(digits[k])
		e.Free(bodies[k][:limbs])
		e.Free(c...)
	}
	all := make([]Poly, 0, 2*len(cts))
	for _, t := range totals {
		all = append(all, t...)
	}
	all = e.Drop(all, limbs, true, 0)
	for k := range cts {
		cts[k] = Ciphertext{all[2*k], all[2*k+1]}
	}
	return nil
}
