package engine

import (
	"context"
	"fmt"
	"slices"

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
	d, err := e.products(pairs, terms)
	if err != nil {
		return nil, err
	}
	out, err := e.relinearise([]Ciphertext{d}, keys)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// products is SumProducts of degree 2.
func (e *Engine) products(pairs [][2]Ciphertext, terms []Term) (Ciphertext, error) {
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
	return d, nil
}

// SumPairs multiplies the pairs of each group and adds up the products. It gives back the
// inputs; the sums have degree 2. The error is as SumProducts's.
func (e *Engine) SumPairs(groups [][][2]Ciphertext) ([]Ciphertext, error) {
	out := make([]Ciphertext, len(groups))
	for g, group := range groups {
		var err error
		if out[g], err = e.products(group, nil); err != nil {
			return nil, err
		}
		for _, p := range group {
			e.Free(p[0]...)
			e.Free(p[1]...)
		}
	}
	return out, nil
}

// Relinearise makes ciphertexts of degree 1 of such of degree 2 and of one number of
// limbs, rescales them by one prime and gives all back. The error is ctx's once that
// is done, or names the key.
func (e *Engine) Relinearise(ctx context.Context, all []Ciphertext, keys EvaluationKeys) ([]Ciphertext, error) {
	var out []Ciphertext
	for part := range slices.Chunk(all, together) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		list, err := e.relinearise(part, keys)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (e *Engine) relinearise(all []Ciphertext, keys EvaluationKeys) ([]Ciphertext, error) {
	limbs := all[0].Limbs()
	key := keys.Relinearisation()
	if err := e.checkKey(key, limbs); err != nil {
		return nil, err
	}
	squares := make([]Poly, len(all))
	for k, d := range all {
		squares[k] = d[2]
	}
	digits := e.decompose(squares)
	switched, err := e.switched(digits, key)
	if err != nil {
		return nil, err
	}
	for _, d := range digits {
		e.freeDigits(d)
	}
	e.passes(limbs, func(i, from, to int) {
		for k, c := range switched {
			for h, s := range c {
				e.q[i].AddScale(s[i][from:to], s[i][from:to], all[k][h][i][from:to], e.q[i].special)
			}
		}
	})
	var polys []Poly
	for k, c := range switched {
		e.Free(all[k]...)
		polys = append(polys, c...)
	}
	polys = e.Drop(polys, limbs, true, 1)
	for k := range switched {
		switched[k] = Ciphertext{polys[2*k], polys[2*k+1]}
	}
	return switched, nil
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
