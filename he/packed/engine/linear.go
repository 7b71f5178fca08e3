package engine

import (
	"context"
	"fmt"

	"qtool/kernel/mod"
)

// Linear is a linear map in diagonal form, encoded. Its diagonals have the limbs
// of the inputs, and the special ones if Extended; they are in the NTT domain and
// Montgomery form.
type Linear struct {
	Limbs, Rescale int
	Extended       bool
	Babies         [][]int // of each input ciphertext; the first may be 0
	Outputs        [][]Giant
}

// Giant is one giant step of an output: the sum of its products, rotated.
type Giant struct {
	Step     int
	Products []Product
}

// Product is a diagonal times baby step Baby of input ciphertext Ct.
type Product struct {
	Ct, Baby int
	Diagonal Poly
}

// Apply evaluates the map on in, which must have Limbs limbs and degree 1, and
// rescales. It needs the keys of all baby and giant steps but 0. The error is ctx's
// once that is done: it is looked at before every output ciphertext and giant step.
func (e *Engine) Apply(ctx context.Context, l *Linear, in []Ciphertext, keys EvaluationKeys) ([]Ciphertext, error) {
	if len(in) != len(l.Babies) {
		return nil, fmt.Errorf("engine: %d ciphertexts for a linear map of %d", len(in), len(l.Babies))
	}
	babies := make([][]Ciphertext, len(in))
	for i, c := range in {
		if len(c) != 2 || c.Limbs() != l.Limbs {
			return nil, fmt.Errorf("engine: ciphertext %d has degree %d and %d limbs, the linear map takes 1 and %d", i, len(c)-1, c.Limbs(), l.Limbs)
		}
		err := ctx.Err()
		switch {
		case err != nil:
		case len(l.Babies[i]) == 0:
		case l.Extended:
			babies[i], err = e.babies(c, l.Babies[i], keys)
		default:
			babies[i] = []Ciphertext{c}
		}
		if err != nil {
			return nil, err
		}
	}
	sums := e.inner(l, babies)
	if l.Extended {
		for _, list := range babies {
			for _, b := range list {
				e.freeLifted(b)
			}
		}
	}
	out := make([]Ciphertext, len(l.Outputs))
	for k, giants := range l.Outputs {
		total, err := e.giants(ctx, l, giants, sums[k], keys)
		if err != nil {
			return nil, err
		}
		out[k] = e.Drop(total, l.Limbs, l.Extended, l.Rescale)
	}
	return out, nil
}

// moduli are the primes that the map's products are taken modulo.
func (e *Engine) moduli(l *Linear) []*modulus {
	if l.Extended {
		return e.extended(l.Limbs)
	}
	return e.q[:l.Limbs]
}

// inner adds up the products of every giant step of every output. All that read
// the same words of the inputs do so one after the other.
func (e *Engine) inner(l *Linear, babies [][]Ciphertext) [][]Ciphertext {
	all := e.moduli(l)
	type sum struct {
		out   Ciphertext
		terms [][]mod.Term // of each limb
	}
	var sums []sum
	out := make([][]Ciphertext, len(l.Outputs))
	for k, giants := range l.Outputs {
		for _, g := range giants {
			s := sum{Ciphertext{e.NewPoly(len(all)), e.NewPoly(len(all))}, make([][]mod.Term, len(all))}
			for i := range all {
				s.terms[i] = make([]mod.Term, 0, len(g.Products))
				for _, p := range g.Products {
					if b := babies[p.Ct][p.Baby]; b[0][i] != nil {
						s.terms[i] = append(s.terms[i], mod.Term{S: p.Diagonal[i], A: b[0][i], B: b[1][i]})
					}
				}
			}
			sums = append(sums, s)
			out[k] = append(out[k], s.out)
		}
	}
	e.passes(len(all), func(i, from, to int) {
		for _, s := range sums {
			all[i].Inner(s.out[0][i][from:to], s.out[1][i][from:to], s.terms[i], from)
		}
	})
	return out
}

// giants adds up the rotated giant steps of one output, whose sums it gives
// back.
func (e *Engine) giants(ctx context.Context, l *Linear, giants []Giant, sums []Ciphertext, keys EvaluationKeys) ([]Poly, error) {
	all := e.moduli(l)
	var total []Poly
	for k, g := range giants {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		inner := sums[k]
		switch {
		case g.Step != 0:
			r, err := e.rotation(keys, g.Step, l.Limbs)
			if err != nil {
				return nil, err
			}
			if total == nil {
				total = []Poly{e.newZero(len(all)), e.newZero(len(all))}
			}
			c1 := e.Drop(inner[1:], l.Limbs, true, 0)[0]
			d := e.Decompose(c1)
			e.addRotation(total, d, r, inner[0], l.Limbs)
			e.freeDigits(d)
			e.Free(c1, inner[0])
		case total == nil:
			total = inner
		default:
			e.passes(len(all), func(i, from, to int) {
				for h, t := range total {
					all[i].Add(t[i][from:to], t[i][from:to], inner[h][i][from:to])
				}
			})
			e.Free(inner...)
		}
	}
	if total == nil { // all weights are zero
		total = []Poly{e.newZero(len(all)), e.newZero(len(all))}
	}
	return total, nil
}

// AddPlain adds a plaintext of c's limbs, in the NTT domain, to c_0.
func (e *Engine) AddPlain(c Ciphertext, p Poly) {
	e.parallel(c.Limbs(), func(i int) { e.q[i].Add(c[0][i], c[0][i], p[i]) })
}

// SumSquares squares and adds up the ciphertexts of each group, relinearises and
// rescales the sums by one prime. It gives back the inputs.
func (e *Engine) SumSquares(ctx context.Context, groups [][]Ciphertext, keys EvaluationKeys) ([]Ciphertext, error) {
	out := make([]Ciphertext, len(groups))
	for g, group := range groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d := e.tensor(group)
		for _, c := range group {
			e.Free(c...)
		}
		var err error
		if out[g], err = e.relinearise(d, keys); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tensor is the sum over the group of (c_0^2, 2 c_0 c_1, c_1^2), times the
// engine's factor.
func (e *Engine) tensor(group []Ciphertext) Ciphertext {
	limbs := group[0].Limbs()
	out := Ciphertext{e.NewPoly(limbs), e.NewPoly(limbs), e.NewPoly(limbs)}
	factor := max(e.factor, 1)
	e.passes(limbs, func(i, from, to int) {
		m := e.q[i]
		w := m.DotFactor(factor)
		scratch := e.pool.limb()
		for k, c := range group {
			x, y := c[0][i][from:to], c[1][i][from:to]
			for h, p := range [3]struct {
				a, b  []uint64
				pairs mod.Pairs
			}{{x, x, square}, {x, y, double}, {y, y, square}} {
				o := out[h][i][from:to]
				if k == 0 {
					m.Dot(o, p.a, p.b, p.pairs, w)
					continue
				}
				m.Dot(scratch[:to-from], p.a, p.b, p.pairs, w)
				m.Add(o, o, scratch[:to-from])
			}
		}
		e.Free(Poly{scratch})
	})
	return out
}

// square is one product, double is twice one.
var square, double = mod.NewPairs(nil, [][2]int{{0, 0}}), mod.NewPairs([][2]int{{0, 0}}, nil)
