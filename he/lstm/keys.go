package lstm

import (
	"fmt"

	"qtool/he/packed/keyset"
	"qtool/he/wire"
)

// EvaluationKeys are what the server needs: the rotations by whole blocks that its
// plan takes, and relinearisation. They hold no secret.
type EvaluationKeys struct {
	pair [32]byte
	id   wire.KeyID
	*keyset.Set
}

// KeyID implements he.Keys.
func (k *EvaluationKeys) KeyID() wire.KeyID { return k.id }

// check refuses keys of another plan.
func (k *EvaluationKeys) check(h *half, pair [32]byte) error {
	if k == nil || k.pair != pair {
		return fmt.Errorf("lstm: the evaluation keys are of another plan")
	}
	if err := k.Check(h.needs()); err != nil {
		return fmt.Errorf("lstm: %w", err)
	}
	return nil
}
