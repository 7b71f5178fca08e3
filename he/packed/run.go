package packed

import (
	"context"
	"slices"

	"qtool/he/packed/engine"
	"qtool/he/packed/lower"
)

// set is a program with its engine and inputs: of each plaintext prime there is one, of CKKS
// one alone.
type set struct {
	*program
	engine *engine.Engine
	in     []engine.Ciphertext
	made   [][]engine.Ciphertext // by stages
}

// lockstep evaluates sets, whose programs differ in their numbers alone, together, so that
// every evaluation key is read once for all. It leaves the inputs as they are. Each
// tensor is given back after its last use. done, if not nil, is called after every
// stage's map (part 0) and activation (part 1). The error is ctx's once that is done, or
// names a key that is missing.
func lockstep(ctx context.Context, sets []*set, keys engine.EvaluationKeys, done func(stage, part int)) ([][]engine.Ciphertext, error) {
	stages := len(sets[0].stages)
	for _, s := range sets {
		s.made = make([][]engine.Ciphertext, stages)
	}
	for i := range stages {
		out, err := apply(ctx, sets, i, keys)
		if err != nil {
			return nil, err
		}
		if done != nil {
			done(i, 0)
		}
		if err := activate(ctx, sets, i, out, keys); err != nil {
			return nil, err
		}
		if done != nil {
			done(i, 1)
		}
	}
	var all [][]engine.Ciphertext
	for _, s := range sets {
		all = append(all, s.made[stages-1])
	}
	return all, nil
}

// apply evaluates stage i's map of every set, with its doublings and biases.
func apply(ctx context.Context, sets []*set, i int, keys engine.EvaluationKeys) ([][]engine.Ciphertext, error) {
	e, first := sets[0].engine, &sets[0].stages[i]
	maps := make([]*engine.Linear, len(sets))
	in := make([][]engine.Ciphertext, len(sets))
	for k, s := range sets {
		maps[k], in[k] = s.stages[i].linear, s.stages[i].read(s.in, s.made)
	}
	out, err := e.ApplyAll(ctx, maps, in, keys)
	if err != nil {
		return nil, err
	}
	for _, r := range first.Reads {
		for _, s := range sets {
			if r.Last {
				for _, c := range s.made[r.Stage] {
					e.Free(c...)
				}
				s.made[r.Stage] = nil
			}
		}
	}
	all := slices.Concat(out...)
	if err := e.SumRotations(ctx, all, first.Map.Step, first.Rounds, keys); err != nil {
		return nil, err
	}
	for k, s := range sets {
		out[k], all = all[:len(out[k])], all[len(out[k]):]
		for c := range out[k] {
			e.AddPlain(out[k][c], s.stages[i].bias[c])
		}
	}
	return out, nil
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

// activate squares what stage i's map made where the stage does, or multiplies both
// factors, and folds the classes of its pool.
func activate(ctx context.Context, sets []*set, i int, in [][]engine.Ciphertext, keys engine.EvaluationKeys) error {
	e, first := sets[0].engine, &sets[0].stages[i]
	if !first.Multiplies() {
		for k, s := range sets {
			s.made[i] = in[k]
		}
		return nil
	}
	var all []engine.Ciphertext
	for k, s := range sets {
		squares, err := s.stages[i].multiply(s.engine, in[k])
		if err != nil {
			return err
		}
		all = append(all, squares...)
	}
	all, err := e.Relinearise(ctx, all, keys)
	if err != nil {
		return err
	}
	if f := first.Layout.Fold; f != nil {
		if err := e.SumRotations(ctx, all, f.Step, first.FoldRounds, keys); err != nil {
			return err
		}
	}
	n := len(all) / len(sets)
	for k, s := range sets {
		s.made[i] = all[k*n:][:n:n]
	}
	return nil
}

// multiply squares, or multiplies both factors, and adds up what readers read as one: of
// degree 2.
func (s *stage) multiply(e *engine.Engine, in []engine.Ciphertext) ([]engine.Ciphertext, error) {
	n := s.Layout.Read().Cts
	if s.Product {
		return e.SumPairs(pairs(in, n))
	}
	groups := make([][]engine.Ciphertext, n)
	for c, ct := range in {
		groups[c%n] = append(groups[c%n], ct)
	}
	return e.SumSquares(groups), nil
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
