package packed

import (
	"fmt"

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
	pair [32]byte // the plan that they are for
	id   wire.KeyID
	*keyset.Set
}

// KeyID implements he.Keys.
func (k *EvaluationKeys) KeyID() wire.KeyID { return k.id }

// check refuses keys that were not made for the plan.
func (k *EvaluationKeys) check(pair [32]byte, n keyset.Needs) error {
	if k == nil || k.pair != pair {
		return fmt.Errorf("packed: the evaluation keys are of another plan")
	}
	if err := k.Check(n); err != nil {
		return fmt.Errorf("packed: %w", err)
	}
	return nil
}
