package packed

import (
	"context"
	"runtime"
	"slices"

	"qtool/he/packed/engine"
	"qtool/he/packed/lower"
	"qtool/internal/parallel"
)

// program is a lowered program with its diagonals encoded.
type program struct {
	stages []stage
}

// stage is an encoded stage.
type stage struct {
	*lower.Stage
	linear *engine.Linear
	bias   []engine.Poly
}

// encoder encodes slots, which repeat with the length of values, for a product
// (in the basis of limbs and, if extended, the special primes; Montgomery form)
// or, if sum, as a summand in the basis of limbs.
type encoder[T any] func(values []T, limbs int, extended, sum bool, scale T) (engine.Poly, error)

// scales are a stage's: of its sources, of the diagonals that multiply them, and of the
// values behind its map.
type scales[T any] struct {
	before, diagonals []T
	after             T
}

// compile encodes all stages. newEncoder is called once a worker.
func compile[T any](ctx context.Context, v []values[T], s []scales[T], newEncoder func() encoder[T]) (*program, error) {
	p := &program{}
	for i := range v {
		st, err := compileStage(ctx, &v[i], s[i], newEncoder)
		if err != nil {
			return nil, err
		}
		p.stages = append(p.stages, *st)
	}
	return p, nil
}

func compileStage[T any](ctx context.Context, v *values[T], s scales[T], newEncoder func() encoder[T]) (*stage, error) {
	m := v.stage.Map
	l, products := linear(v.stage)
	st := &stage{Stage: v.stage, linear: l}
	// Diagonals of one output ciphertext at a time, to bound memory.
	for c := range l.Outputs {
		diagonals := make([][]T, len(m.Terms[c]))
		for i := range diagonals {
			diagonals[i] = make([]T, m.Length)
		}
		giants := make([]int, len(diagonals))
		for t, term := range m.Terms[c] {
			giants[t] = term.Offset - term.Offset%v.stage.Split.Giant
		}
		m.Each(c, func(term, slot, o, k int) {
			// The giant step is applied to the product, so its diagonal is
			// rotated the other way.
			at := (slot + giants[term]) & (m.Length - 1)
			diagonals[term][at] = v.f.add(diagonals[term][at], v.weight(o, k))
		})
		encoded := make([]engine.Poly, len(diagonals))
		if err := parallel.With(ctx, runtime.GOMAXPROCS(0), len(diagonals), newEncoder, func(e encoder[T], t int) (err error) {
			encoded[t], err = e(diagonals[t], l.Limbs, l.Extended, false, s.diagonals[m.Source(m.Terms[c][t].Ct)])
			diagonals[t] = nil
			return err
		}, nil); err != nil {
			return nil, err
		}
		for t, p := range products[c] {
			p.Diagonal = encoded[t]
		}
	}
	biases := make([][]T, len(l.Outputs))
	for c := range biases {
		biases[c] = make([]T, m.Out.Period)
	}
	for o, c := range m.Out.Ct {
		if c >= 0 {
			biases[c][m.Out.Slot[o]] = v.bias[o]
		}
	}
	st.bias = make([]engine.Poly, len(biases))
	err := parallel.With(ctx, runtime.GOMAXPROCS(0), len(biases), newEncoder, func(e encoder[T], c int) (err error) {
		st.bias[c], err = e(biases[c], v.stage.After().Limbs, false, true, s.after)
		return err
	}, nil)
	return st, err
}

// linear is the stage's map without its diagonals, and where each output's
// terms stand in it.
func linear(st *lower.Stage) (*engine.Linear, [][]*engine.Product) {
	m, split := st.Map, &st.Split
	l := &engine.Linear{Limbs: st.Entry.Limbs, Rescale: st.Rescale, Extended: split.Rotates(), Babies: split.Babies}
	l.Outputs = make([][]engine.Giant, len(m.Terms))
	products := make([][]*engine.Product, len(m.Terms))
	for c, terms := range m.Terms {
		giants := make([]engine.Giant, len(split.Giants[c]))
		at := make([][2]int, len(terms))
		for t, term := range terms {
			baby := term.Offset % split.Giant
			g, _ := slices.BinarySearch(split.Giants[c], term.Offset-baby)
			b, _ := slices.BinarySearch(split.Babies[term.Ct], baby)
			giants[g].Step = term.Offset - baby
			at[t] = [2]int{g, len(giants[g].Products)}
			giants[g].Products = append(giants[g].Products, engine.Product{Ct: term.Ct, Baby: b})
		}
		for _, i := range at {
			products[c] = append(products[c], &giants[i[0]].Products[i[1]])
		}
		l.Outputs[c] = giants
	}
	return l, products
}
