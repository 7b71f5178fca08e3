package engine

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"
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
// rescales. It needs the keys of all baby and giant steps but 0.
func (e *Engine) Apply(l *Linear, in []Ciphertext, keys Keys) ([]Ciphertext, error) {
	if len(in) != len(l.Babies) {
		return nil, fmt.Errorf("engine: %d ciphertexts for a linear map of %d", len(in), len(l.Babies))
	}
	babies := make([][]Ciphertext, len(in))
	for i, c := range in {
		if len(c) != 2 || c.Limbs() != l.Limbs {
			return nil, fmt.Errorf("engine: ciphertext %d has degree %d and %d limbs, the linear map takes 1 and %d", i, len(c)-1, c.Limbs(), l.Limbs)
		}
		var err error
		switch {
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
	out := make([]Ciphertext, len(l.Outputs))
	for k, giants := range l.Outputs {
		total, err := e.giants(l, giants, babies, keys)
		if err != nil {
			return nil, err
		}
		out[k] = e.Drop(total, l.Limbs, l.Extended, l.Rescale)
	}
	if l.Extended {
		for _, list := range babies {
			for _, b := range list {
				e.freeLifted(b)
			}
		}
	}
	return out, nil
}

// giants adds up the rotated giant steps of one output.
func (e *Engine) giants(l *Linear, giants []Giant, babies [][]Ciphertext, keys Keys) ([]Poly, error) {
	all := e.q[:l.Limbs]
	if l.Extended {
		all = e.extended(l.Limbs)
	}
	var total []Poly
	for _, g := range giants {
		inner := e.inner(g.Products, babies, all)
		if g.Step != 0 {
			r, err := e.rotation(keys, g.Step, l.Limbs)
			if err != nil {
				return nil, err
			}
			if total == nil {
				total = []Poly{e.newZero(len(all)), e.newZero(len(all))}
			}
			c1 := e.Drop(inner[1:], l.Limbs, true, 0)[0]
			d := e.Decompose(c1)
			e.parallel(len(all), func(i int) {
				e.rotateLimb(d, r, inner[0][i], i, l.Limbs, all[i], [2][]uint64{total[0][i], total[1][i]}, false)
			})
			e.freeDigits(d)
			e.Free(c1, inner[0])
			continue
		}
		if total == nil {
			total = inner
			continue
		}
		e.parallel(len(all), func(i int) {
			all[i].Add(total[0][i], inner[0][i], total[0][i])
			all[i].Add(total[1][i], inner[1][i], total[1][i])
		})
		e.Free(inner...)
	}
	return total, nil
}

// inner is the sum of products.
func (e *Engine) inner(list []Product, babies [][]Ciphertext, all []*modulus) []Poly {
	out := []Poly{e.NewPoly(len(all)), e.NewPoly(len(all))}
	e.parallel(len(all)*e.chunks(), func(t int) {
		i, k := t/e.chunks(), t%e.chunks()
		products := make([]product, 0, len(list))
		for half := range out {
			products = products[:0]
			for _, p := range list {
				if a := babies[p.Ct][p.Baby][half][i]; a != nil {
					products = append(products, product{a, p.Diagonal[i]})
				}
			}
			all[i].accumulate(out[half][i], products, k*chunk, min((k+1)*chunk, e.n))
		}
	})
	return out
}

// AddPlain adds a plaintext of c's limbs, in the NTT domain, to c_0.
func (e *Engine) AddPlain(c Ciphertext, p Poly) {
	e.parallel(c.Limbs(), func(i int) { e.q[i].Add(c[0][i], p[i], c[0][i]) })
}

// SumSquares squares and adds up the ciphertexts of each group, relinearises and
// rescales the sums by one prime. It gives back the inputs.
func (e *Engine) SumSquares(groups [][]Ciphertext, keys Keys) ([]Ciphertext, error) {
	out := make([]Ciphertext, len(groups))
	for g, group := range groups {
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
	e.parallel(limbs, func(i int) {
		m := e.q[i]
		// A product with a Montgomery form is a product; one of MForm(2) doubles.
		one, two := m.montgomery(1), m.montgomery(2)
		if e.factor != 0 {
			one, two = m.montgomery(e.factor), m.montgomery(2*(e.factor%m.Modulus)%m.Modulus)
		}
		one, two = m.montgomery(one), m.montgomery(two)
		forms := [3][]uint64{e.pool.limb(), e.pool.limb(), e.pool.limb()}
		for k, c := range group {
			for h, f := range [3]struct {
				of     []uint64
				scalar uint64
			}{{c[0][i], one}, {c[0][i], two}, {c[1][i], one}} {
				x, y := f.of, forms[h]
				for j, v := range x {
					y[j] = ring.MRed(v, f.scalar, m.Modulus, m.MRedConstant)
				}
			}
			for h, p := range [3]product{{c[0][i], forms[0]}, {c[1][i], forms[1]}, {c[1][i], forms[2]}} {
				if k == 0 {
					m.MulCoeffsMontgomery(p.a, p.b, out[h][i])
				} else {
					m.MulCoeffsMontgomeryThenAdd(p.a, p.b, out[h][i])
				}
			}
		}
		e.Free(forms[:])
	})
	return out
}
