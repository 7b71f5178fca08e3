package packed

import (
	"context"

	"qtool/he/packed/engine"
)

// run evaluates the program on the packed inputs. done, if not nil, is called
// after every stage's map (part 0) and activation (part 1). The error is ctx's once
// that is done, or names a key that is missing.
func (p *program) run(ctx context.Context, e *engine.Engine, in []engine.Ciphertext, keys engine.Keys, done func(stage, part int)) ([]engine.Ciphertext, error) {
	for i := range p.stages {
		st := &p.stages[i]
		out, err := st.apply(ctx, e, in, keys)
		if err != nil {
			return nil, err
		}
		if done != nil {
			done(i, 0)
		}
		if in, err = st.activate(ctx, e, out, keys); err != nil {
			return nil, err
		}
		if done != nil {
			done(i, 1)
		}
	}
	return in, nil
}

// apply is the linear map with its doublings and bias.
func (s *stage) apply(ctx context.Context, e *engine.Engine, in []engine.Ciphertext, keys engine.Keys) ([]engine.Ciphertext, error) {
	out, err := e.Apply(ctx, s.linear, in, keys)
	if err != nil {
		return nil, err
	}
	for c := range out {
		if out[c], err = e.SumRotations(ctx, out[c], s.Map.Step, s.Rounds, keys); err != nil {
			return nil, err
		}
		e.AddPlain(out[c], s.bias[c])
	}
	return out, nil
}

// activate squares where the stage does, and folds the classes that the next
// stage adds up.
func (s *stage) activate(ctx context.Context, e *engine.Engine, in []engine.Ciphertext, keys engine.Keys) ([]engine.Ciphertext, error) {
	if !s.Squares() {
		return in, nil
	}
	n := s.Layout.Read().Cts
	groups := make([][]engine.Ciphertext, n)
	for c, ct := range in {
		groups[c%n] = append(groups[c%n], ct)
	}
	out, err := e.SumSquares(ctx, groups, keys)
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
