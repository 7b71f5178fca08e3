package packed

import (
	"context"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/packed/keyset"
	"qtool/he/packed/lower"
	"qtool/he/wire"
)

// newNeeds are the keys that a packing uses.
func newNeeds(p *lower.Plan) (n keyset.Needs) {
	rounds := func(step int, rounds []int, limbs int) {
		for _, a := range rounds {
			for j := 1; j < 1<<a; j++ {
				n.Rotate(j*step, limbs)
			}
			step <<= a
		}
	}
	for i := range p.Stages {
		st := &p.Stages[i]
		for _, list := range [][][]int{st.Split.Babies, st.Split.Giants} {
			for _, steps := range list {
				for _, s := range steps {
					n.Rotate(s, st.Entry.Limbs)
				}
			}
		}
		limbs := st.After().Limbs
		rounds(st.Map.Step, st.Rounds, limbs)
		if st.Multiplies() {
			n.Relin = max(n.Relin, limbs)
		}
		if f := st.Layout.Fold; f != nil {
			rounds(f.Step, st.FoldRounds, st.Exit())
		}
	}
	return n
}

// EvaluationKeys are what the server needs: exactly the keys that its plan uses, each
// for the largest ciphertext it is used on. They hold no secret.
type EvaluationKeys struct {
	plan [32]byte // hash of the plan that they are for
	id   wire.KeyID
	*keyset.Set
}

// generateKeys makes the keys of a plan.
func generateKeys(ctx context.Context, p *common, sk *rlwe.SecretKey, id wire.KeyID) (*EvaluationKeys, error) {
	s, err := keyset.Generate(ctx, p.options.Workers, p.fastRing(), p.needs, sk, nil)
	if err != nil {
		return nil, err
	}
	return &EvaluationKeys{p.hash, id, s}, nil
}

// check refuses keys that were not made for the plan.
func (k *EvaluationKeys) check(p *common) error {
	if k == nil || k.plan != p.hash {
		return fmt.Errorf("packed: the evaluation keys are of another plan")
	}
	if err := k.Check(p.needs); err != nil {
		return fmt.Errorf("packed: %w", err)
	}
	return nil
}
