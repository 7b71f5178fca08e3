package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

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
// once that is done: it is looked at between steps.
func (e *Engine) Apply(ctx context.Context, l *Linear, in []Ciphertext, keys EvaluationKeys) ([]Ciphertext, error) {
	out, err := e.ApplyAll(ctx, []*Linear{l}, [][]Ciphertext{in}, keys)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// ApplyAll is Apply of maps of the same steps, which differ in their diagonals alone, each
// on its own ciphertexts: every key is read once for all.
func (e *Engine) ApplyAll(ctx context.Context, all []*Linear, in [][]Ciphertext, keys EvaluationKeys) ([][]Ciphertext, error) {
	l := all[0]
	for _, list := range in {
		if len(list) != len(l.Babies) {
			return nil, fmt.Errorf("engine: %d ciphertexts for a linear map of %d", len(list), len(l.Babies))
		}
		for i, c := range list {
			if len(c) != 2 || c.Limbs() != l.Limbs {
				return nil, fmt.Errorf("engine: ciphertext %d has degree %d and %d limbs, the linear map takes 1 and %d", i, len(c)-1, c.Limbs(), l.Limbs)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := e.babies(l, in, keys)
	if err != nil {
		return nil, err
	}
	sums, err := e.inner(ctx, all, b)
	b.free(e)
	if err != nil {
		return nil, err
	}
	totals, err := e.giants(ctx, l, len(all)*len(l.Outputs), sums, keys)
	if err != nil {
		return nil, err
	}
	totals = e.Drop(totals, l.Limbs, l.Extended, l.Rescale)
	out := make([][]Ciphertext, len(all))
	for k := range out {
		for range l.Outputs {
			out[k] = append(out[k], Ciphertext{totals[0], totals[1]})
			totals = totals[2:]
		}
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

// sum is one giant step of an output: the products of its map, before it is rotated.
type sum struct {
	step, output int
	out          Ciphertext
	set          int
	products     []Product
}

// inner adds up the products of every giant step of every output of all maps, limb by
// limb: the baby steps of a limb are made, and read while they are in the caches.
func (e *Engine) inner(ctx context.Context, all []*Linear, b *babySteps) ([]sum, error) {
	moduli := e.moduli(all[0])
	var sums []sum
	for k, l := range all {
		for o, giants := range l.Outputs {
			for _, g := range giants {
				out := Ciphertext{e.NewPoly(len(moduli)), e.NewPoly(len(moduli))}
				sums = append(sums, sum{g.Step, k*len(l.Outputs) + o, out, k, g.Products})
			}
		}
	}
	b.allocate(e)
	for i, m := range moduli {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.limb(e, i, m)
		terms := make([][]mod.Term, len(sums))
		for k, s := range sums {
			terms[k] = make([]mod.Term, 0, len(s.products))
			for _, p := range s.products {
				if c := b.at(s.set, p.Ct, p.Baby, i); c[0] != nil {
					terms[k] = append(terms[k], mod.Term{S: p.Diagonal[i], A: c[0], B: c[1]})
				}
			}
		}
		e.passes(1, func(_, from, to int) {
			for k, s := range sums {
				m.Inner(s.out[0][i][from:to], s.out[1][i][from:to], terms[k], from)
			}
		})
	}
	return sums, nil
}

// giants adds up the rotated giant steps of all outputs, whose sums it gives back: two
// polynomials an output, which are zero where it has no sum.
func (e *Engine) giants(ctx context.Context, l *Linear, outputs int, sums []sum, keys EvaluationKeys) ([]Poly, error) {
	all := e.moduli(l)
	steps := map[int][]sum{}
	for _, s := range sums {
		steps[s.step] = append(steps[s.step], s)
	}
	totals := make([][]Poly, outputs)
	for _, s := range steps[0] {
		totals[s.output] = s.out
	}
	for k := range totals {
		if totals[k] == nil { // no giant step of 0
			totals[k] = []Poly{e.newZero(len(all)), e.newZero(len(all))}
		}
	}
	for _, step := range slices.Sorted(maps.Keys(steps)) {
		if step == 0 {
			continue
		}
		r, err := e.rotation(keys, step, l.Limbs)
		if err != nil {
			return nil, err
		}
		for part := range slices.Chunk(steps[step], together) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			e.giant(part, totals, r, l.Limbs)
		}
	}
	return slices.Concat(totals...), nil
}

// giant adds the rotations of sums of one giant step to their outputs' totals.
func (e *Engine) giant(sums []sum, totals [][]Poly, r rotation, limbs int) {
	masks := make([]Poly, len(sums))
	for k, s := range sums {
		masks[k] = s.out[1]
	}
	masks = e.Drop(masks, limbs, true, 0)
	digits := e.decompose(masks)
	all := make([]summand, len(sums))
	for k, s := range sums {
		all[k] = summand{totals[s.output], digits[k], s.out[0]}
	}
	e.addRotation(all, r, limbs)
	for k, s := range sums {
		e.freeDigits(digits[k])
		e.Free(masks[k], s.out[0])
	}
}

// AddPlain adds a plaintext of c's limbs, in the NTT domain, to c_0.
func (e *Engine) AddPlain(c Ciphertext, p Poly) {
	e.parallel(c.Limbs(), func(i int) { e.q[i].Add(c[0][i], c[0][i], p[i]) })
}

// SumSquares squares and adds up the ciphertexts of each group. It gives back the inputs;
// the sums have degree 2.
func (e *Engine) SumSquares(groups [][]Ciphertext) []Ciphertext {
	out := make([]Ciphertext, len(groups))
	for g, group := range groups {
		out[g] = e.tensor(group)
		for _, c := range group {
			e.Free(c...)
		}
	}
	return out
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
