package lstm

import (
	"context"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/verify/he/parallel"
)

// Keys are the evaluation keys that the server needs: the rotations by whole
// blocks that its plan takes, and relinearisation. They hold no secret.
type Keys struct {
	plan   [32]byte
	galois map[int]*rlwe.GaloisKey // by slots
	relin  *rlwe.RelinearizationKey
}

// KeyCount is how many keys Client.Keys makes.
func (p *Plan) KeyCount() int { return len(p.split.rotations()) + 1 }

// generateKeys makes the keys of a plan.
func generateKeys(ctx context.Context, p *Plan, secret *rlwe.SecretKey, done func()) (*Keys, error) {
	k := &Keys{plan: p.hash, galois: map[int]*rlwe.GaloisKey{}}
	rotations := p.split.rotations()
	made := make([]*rlwe.GaloisKey, len(rotations))
	level := func(limbs int) rlwe.EvaluationKeyParameters {
		q, special := limbs-1, p.params.MaxLevelP()
		return rlwe.EvaluationKeyParameters{LevelQ: &q, LevelP: &special}
	}
	generators := make([]*rlwe.KeyGenerator, p.workers)
	for w := range generators {
		generators[w] = rlwe.NewKeyGenerator(p.params)
	}
	limbs := p.cell.limbs(0)
	err := parallel.Run(ctx, p.workers, len(rotations)+1, func(w, i int) error {
		if i == len(rotations) {
			// The first product is of what the linear maps leave.
			k.relin = generators[w].GenRelinearizationKeyNew(secret, level(limbs-1))
			return nil
		}
		made[i] = generators[w].GenGaloisKeyNew(p.params.GaloisElement(rotations[i]*p.Slots()), secret, level(limbs))
		return nil
	}, done)
	if err != nil {
		return nil, err
	}
	for i, r := range rotations {
		k.galois[r*p.Slots()] = made[i]
	}
	return k, nil
}

// Rotation implements engine.Keys.
func (k *Keys) Rotation(slots int) (*rlwe.GadgetCiphertext, uint64) {
	g := k.galois[slots]
	if g == nil {
		return nil, 0
	}
	return &g.GadgetCiphertext, g.GaloisElement
}

// Relinearisation implements engine.Keys.
func (k *Keys) Relinearisation() *rlwe.GadgetCiphertext { return &k.relin.GadgetCiphertext }

// Bytes is the serialised size of the keys.
func (k *Keys) Bytes() int64 {
	n := k.relin.BinarySize()
	for _, g := range k.galois {
		n += g.BinarySize()
	}
	return int64(n)
}

// check refuses keys of another plan.
func (k *Keys) check(p *Plan) error {
	if k == nil || k.plan != p.hash || k.relin == nil {
		return fmt.Errorf("lstm: the evaluation keys are of another plan")
	}
	return nil
}
