package lstm

import (
	"fmt"

	"qtool/he/packed/keyset"
	"qtool/he/wire"
)

// EvaluationKeys are what the server needs: the rotations by whole blocks that its
// plan takes, and relinearisation. They hold no secret.
type EvaluationKeys struct {
	plan [32]byte
	id   wire.KeyID
	*keyset.Set
}

// needs are a plan's keys. The first product is of what the linear maps leave.
func (p *Plan) needs() keyset.Needs {
	limbs := p.cell.limbs(0)
	n := keyset.Needs{Relin: limbs - 1}
	for _, r := range p.split.rotations() {
		n.Rotate(r*p.Slots(), limbs)
	}
	return n
}

// KeyCount is how many keys Client.EvaluationKeys makes.
func (p *Plan) KeyCount() int { return len(p.split.rotations()) + 1 }

// check refuses keys of another plan.
func (k *EvaluationKeys) check(p *Plan) error {
	if k == nil || k.plan != p.hash {
		return fmt.Errorf("lstm: the evaluation keys are of another plan")
	}
	if err := k.Check(p.needs()); err != nil {
		return fmt.Errorf("lstm: %w", err)
	}
	return nil
}
