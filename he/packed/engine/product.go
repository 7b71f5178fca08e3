package engine

import (
	"context"
	"fmt"

	"qtool/kernel/mod"
)

// Term is a ciphertext times a plaintext in the NTT domain and Montgomery form.
type Term struct {
	Ct    Ciphertext
	Plain Poly
}

// SumProducts is
//
//	sum over pairs of a b  +  sum over terms of ct plain,
//
// relinearised once and rescaled by one prime. All have degree 1 and the first
// pair's limbs; the engine's factor multiplies the pairs' products alone. It
// needs the relinearisation key, consumes one level and leaves its inputs as they
// are.
func (e *Engine) SumProducts(pairs [][2]Ciphertext, terms []Term, keys EvaluationKeys) (Ciphertext, error) {
	limbs := pairs[0][0].Limbs()
	for _, p := range pairs {
		for _, c := range p {
			if len(c) != 2 || c.Limbs() != limbs {
				return nil, fmt.Errorf("engine: a product of a ciphertext of degree %d and %d limbs, want 1 and %d", len(c)-1, c.Limbs(), limbs)
			}
		}
	}
	for _, t := range terms {
		if len(t.Ct) != 2 || t.Ct.Limbs() != limbs || len(t.Plain) != limbs {
			return nil, fmt.Errorf("engine: a term of degree %d and %d limbs, want 1 and %d", len(t.Ct)-1, t.Ct.Limbs(), limbs)
		}
	}
	d := Ciphertext{e.NewPoly(limbs), e.NewPoly(limbs), e.NewPoly(limbs)}
	factor := max(e.factor, 1)
	e.passes(limbs, func(i, from, to int) {
		m := e.q[i]
		w := m.DotFactor(factor)
		scratch := Poly{e.pool.limb(), e.pool.limb()}
		x, y := scratch[0][:to-from], scratch[1][:to-from]
		fresh := [3]bool{true, true, true}
		add := func(h int, v []uint64) {
			o := d[h][i][from:to]
			if fresh[h] {
				copy(o, v)
				fresh[h] = false
			} else {
				m.Add(o, o, v)
			}
		}
		for _, p := range pairs {
			for h, a := range p[0] {
				for k, b := range p[1] {
					m.Dot(x, a[i][from:to], b[i][from:to], square, w)
					add(h+k, x)
				}
			}
		}
		for _, t := range terms {
			m.Inner(x, y, []mod.Term{{S: t.Plain[i], A: t.Ct[0][i], B: t.Ct[1][i]}}, from)
			add(0, x)
			add(1, y)
		}
		e.Free(scratch)
	})
	return e.relinearise(d, keys)
}

// SumPairs multiplies the pairs of each group and adds up the products, relinearises
// and rescales the sums by one prime. It gives back the inputs. The error is ctx's once
// that is done, or SumProducts's.
func (e *Engine) SumPairs(ctx context.Context, groups [][][2]Ciphertext, keys EvaluationKeys) ([]Ciphertext, error) {
	out := make([]Ciphertext, len(groups))
	for g, group := range groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if out[g], err = e.SumProducts(group, nil, keys); err != nil {
			return nil, err
		}
		for _, p := range group {
			e.Free(p[0]...)
			e.Free(p[1]...)
		}
	}
	return out, nil
}

// relinearise makes degree 1 of degree 2, rescales by one prime and gives d back.
func (e *Engine) relinearise(d Ciphertext, keys EvaluationKeys) (Ciphertext, error) {
	limbs := d.Limbs()
	key := keys.Relinearisation()
	if err := e.checkKey(key, limbs); err != nil {
		return nil, err
	}
	digits := e.Decompose(d[2])
	switched, err := e.Switch(digits, key)
	if err != nil {
		return nil, err
	}
	e.freeDigits(digits)
	e.passes(limbs, func(i, from, to int) {
		for h, s := range switched {
			e.q[i].AddScale(s[i][from:to], s[i][from:to], d[h][i][from:to], e.q[i].special)
		}
	})
	e.Free(d...)
	return e.Drop(switched, limbs, true, 1), nil
}

// Limit is c on the first limbs of its modulus, without copying: of the same
// phase and scale.
func (c Ciphertext) Limit(limbs int) Ciphertext {
	out := make(Ciphertext, len(c))
	for i, p := range c {
		out[i] = p[:limbs]
	}
	return out
}
