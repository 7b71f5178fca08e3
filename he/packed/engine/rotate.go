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

// lift is c in the extended basis, times the special primes' product; its
// special limbs, all zero, are nil.
func (e *Engine) lift(c Ciphertext) Ciphertext {
	limbs := c.Limbs()
	out := make(Ciphertext, len(c))
	for h := range out {
		out[h] = append(e.NewPoly(limbs), make([][]uint64, len(e.p))...)
	}
	e.passes(limbs, func(i, from, to int) {
		for h := range out {
			e.q[i].Scale(out[h][i][from:to], c[h][i][from:to], e.q[i].special)
		}
	})
	return out
}

// rotate writes words from up to to of limb i of the rotation of a decomposed
// ciphertext to their places in out, or adds them. c0 is limb i of the lifted
// c_0, nil for zero.
func (e *Engine) rotate(d Digits, r rotation, c0 []uint64, i, limbs int, m *modulus, out [2][]uint64, from, to int, add bool) {
	scratch := Poly{e.pool.limb(), e.pool.limb()}
	a, b := scratch[0][:to-from], scratch[1][:to-from]
	e.gadget(d, r.key, i, limbs, m, a, b, from)
	if c0 != nil {
		m.Add(a, a, c0[from:to])
	}
	r.permutation.Scatter(m.Modulus, out[0], a, from, add)
	r.permutation.Scatter(m.Modulus, out[1], b, from, add)
	e.Free(scratch)
}

// addRotation adds a rotation to total, in the extended basis. c0 is the lifted
// c_0; its special limbs may be nil.
func (e *Engine) addRotation(total []Poly, d Digits, r rotation, c0 Poly, limbs int) {
	all := e.extended(limbs)
	e.passes(len(all), func(i, from, to int) {
		e.rotate(d, r, c0[i], i, limbs, all[i], [2][]uint64{total[0][i], total[1][i]}, from, to, true)
	})
}

// babies are the rotations of c by the given offsets, all in the extended basis
// and times the special primes' product. Special limbs of the rotation by 0 are
// nil.
func (e *Engine) babies(c Ciphertext, offsets []int, keys EvaluationKeys) ([]Ciphertext, error) {
	limbs := c.Limbs()
	all := e.extended(limbs)
	lifted := e.lift(c)
	out := make([]Ciphertext, len(offsets))
	rotations := make([]rotation, len(offsets))
	var steps []int
	for k, o := range offsets {
		if o == 0 {
			out[k] = lifted
			continue
		}
		var err error
		if rotations[k], err = e.rotation(keys, o, limbs); err != nil {
			return nil, err
		}
		out[k] = Ciphertext{e.NewPoly(len(all)), e.NewPoly(len(all))}
		steps = append(steps, k)
	}
	if len(steps) > 0 {
		d := e.Decompose(c[1])
		e.passes(len(all), func(i, from, to int) {
			for _, k := range steps {
				e.rotate(d, rotations[k], lifted[0][i], i, limbs, all[i], [2][]uint64{out[k][0][i], out[k][1][i]}, from, to, false)
			}
		})
		e.freeDigits(d)
	}
	if offsets[0] != 0 {
		e.freeLifted(lifted)
	}
	return out, nil
}

func (e *Engine) freeLifted(c Ciphertext) {
	for _, p := range c {
		for i, l := range p {
			if l != nil {
				e.Free(p[i : i+1])
			}
		}
	}
}

// SumRotations replaces c by the sum of its rotations by 0, step, 2 step, ... up
// to (2^d - 1) step, where d is the sum of rounds: each round of a doublings
// takes 2^a - 1 rotations that share their decomposition. It needs the keys of
// those rotations, consumes no level and gives back c.
func (e *Engine) SumRotations(ctx context.Context, c Ciphertext, step int, rounds []int, keys EvaluationKeys) (Ciphertext, error) {
	limbs := c.Limbs()
	all := e.extended(limbs)
	for _, a := range rounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rotations := make([]rotation, 1<<a-1)
		for j := range rotations {
			var err error
			if rotations[j], err = e.rotation(keys, (j+1)*step, limbs); err != nil {
				return nil, err
			}
		}
		lifted := e.lift(c)
		d := e.Decompose(c[1])
		total := []Poly{e.NewPoly(len(all)), e.NewPoly(len(all))}
		e.passes(len(all), func(i, from, to int) {
			for half, t := range total {
				if x := lifted[half][i]; x != nil {
					copy(t[i][from:to], x[from:to])
				} else {
					clear(t[i][from:to])
				}
			}
		})
		for _, r := range rotations {
			e.addRotation(total, d, r, lifted[0], limbs)
		}
		e.freeDigits(d)
		e.freeLifted(lifted)
		e.Free(c...)
		c = e.Drop(total, limbs, true, 0)
		step <<= a
	}
	return c, nil
}
