package packed

import (
	"context"

	"qtool/he/packed/engine"
	"qtool/he/packed/lower"
)

// run evaluates the program on the packed inputs, which it leaves as they are. Each
// tensor is given back after its last use. done, if not nil, is called after every
// stage's map (part 0) and activation (part 1). The error is ctx's once that is done, or
// names a key that is missing.
func (p *program) run(ctx context.Context, e *engine.Engine, in []engine.Ciphertext, keys engine.EvaluationKeys, done func(stage, part int)) ([]engine.Ciphertext, error) {
	made := make([][]engine.Ciphertext, len(p.stages))
	for i := range p.stages {
		st := &p.stages[i]
		out, err := e.Apply(ctx, st.linear, st.read(in, made), keys)
		if err != nil {
			return nil, err
		}
		for _, r := range st.Reads {
			if r.Last {
				for _, c := range made[r.Stage] {
					e.Free(c...)
				}
				made[r.Stage] = nil
			}
		}
		if err := st.complete(ctx, e, out, keys); err != nil {
			return nil, err
		}
		if done != nil {
			done(i, 0)
		}
		if made[i], err = st.activate(ctx, e, out, keys); err != nil {
			return nil, err
		}
		if done != nil {
			done(i, 1)
		}
	}
	return made[len(made)-1], nil
}

// read is the ciphertexts that the stage's map takes, on its limbs.
func (s *stage) read(in []engine.Ciphertext, made [][]engine.Ciphertext) []engine.Ciphertext {
	var all []engine.Ciphertext
	for _, r := range s.Reads {
		from := in[r.View:]
		if r.Stage != lower.Input {
			from = made[r.Stage]
		}
		for _, c := range from[:r.Cts] {
			all = append(all, c.Limit(s.Entry.Limbs))
		}
	}
	return all
}

// complete is the doublings and biases of the map's outputs.
func (s *stage) complete(ctx context.Context, e *engine.Engine, out []engine.Ciphertext, keys engine.EvaluationKeys) (err error) {
	for c := range out {
		if out[c], err = e.SumRotations(ctx, out[c], s.Map.Step, s.Rounds, keys); err != nil {
			return err
		}
		e.AddPlain(out[c], s.bias[c])
	}
	return nil
}

// activate squares where the stage does, or multiplies both factors, and folds the
// classes of its pool.
func (s *stage) activate(ctx context.Context, e *engine.Engine, in []engine.Ciphertext, keys engine.EvaluationKeys) (out []engine.Ciphertext, err error) {
	switch {
	case s.Product:
		out, err = e.SumPairs(ctx, pairs(in, s.Layout.Read().Cts), keys)
	case s.Multiplies():
		n := s.Layout.Read().Cts
		groups := make([][]engine.Ciphertext, n)
		for c, ct := range in {
			groups[c%n] = append(groups[c%n], ct)
		}
		out, err = e.SumSquares(ctx, groups, keys)
	default:
		return in, nil
	}
	if err != nil {
		return nil, err
	}
	if f := s.Layout.Fold; f != nil {
		for c := range out {
			if out[c], err = e.SumRotations(ctx, out[c], f.Step, s.FoldRounds, keys); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// pairs are the factors of products, first halves and second ones, whose sums make n
// ciphertexts.
func pairs(in []engine.Ciphertext, n int) [][][2]engine.Ciphertext {
	half := len(in) / 2
	groups := make([][][2]engine.Ciphertext, n)
	for c := range half {
		groups[c%n] = append(groups[c%n], [2]engine.Ciphertext{in[c], in[half+c]})
	}
	return groups
}
