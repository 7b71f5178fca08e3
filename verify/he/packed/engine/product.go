package engine

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"
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
func (e *Engine) SumProducts(pairs [][2]Ciphertext, terms []Term, keys Keys) (Ciphertext, error) {
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
	e.parallel(limbs, func(i int) {
		m := e.q[i]
		one := m.montgomery(1)
		if e.factor != 0 {
			one = m.montgomery(e.factor)
		}
		one = m.montgomery(one)
		forms := [2][]uint64{e.pool.limb(), e.pool.limb()} // of b
		for k, p := range pairs {
			a, b := p[0], p[1]
			for h, y := range forms {
				for j, v := range b[h][i] {
					y[j] = ring.MRed(v, one, m.Modulus, m.MRedConstant)
				}
			}
			if k == 0 {
				m.MulCoeffsMontgomery(a[0][i], forms[0], d[0][i])
				m.MulCoeffsMontgomery(a[0][i], forms[1], d[1][i])
				m.MulCoeffsMontgomery(a[1][i], forms[1], d[2][i])
			} else {
				m.MulCoeffsMontgomeryThenAdd(a[0][i], forms[0], d[0][i])
				m.MulCoeffsMontgomeryThenAdd(a[0][i], forms[1], d[1][i])
				m.MulCoeffsMontgomeryThenAdd(a[1][i], forms[1], d[2][i])
			}
			m.MulCoeffsMontgomeryThenAdd(a[1][i], forms[0], d[1][i])
		}
		for _, t := range terms {
			m.MulCoeffsMontgomeryThenAdd(t.Ct[0][i], t.Plain[i], d[0][i])
			m.MulCoeffsMontgomeryThenAdd(t.Ct[1][i], t.Plain[i], d[1][i])
		}
		e.Free(forms[:])
	})
	return e.relinearise(d, keys)
}

// relinearise makes degree 1 of degree 2, rescales by one prime and gives d back.
func (e *Engine) relinearise(d Ciphertext, keys Keys) (Ciphertext, error) {
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
	e.parallel(2*limbs, func(t int) {
		h, i := t/limbs, t%limbs
		e.q[i].MulScalarMontgomeryThenAdd(d[h][i], e.special(e.q[i]), switched[h][i])
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
