package packed

import (
	"fmt"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/verify/he/packed/lower"
)

// needs are the evaluation keys that a plan uses and the limbs of the largest
// ciphertext that each is used on.
type needs struct {
	rotations map[int]int
	relin     int // 0: no key
}

func newNeeds(p *lower.Plan) needs {
	n := needs{rotations: map[int]int{}}
	use := func(step, limbs int) {
		if step != 0 {
			n.rotations[step] = max(n.rotations[step], limbs)
		}
	}
	rounds := func(step int, rounds []int, limbs int) {
		for _, a := range rounds {
			for j := 1; j < 1<<a; j++ {
				use(j*step, limbs)
			}
			step <<= a
		}
	}
	for i := range p.Stages {
		st := &p.Stages[i]
		for _, list := range [][][]int{st.Split.Babies, st.Split.Giants} {
			for _, steps := range list {
				for _, s := range steps {
					use(s, st.Entry.Limbs)
				}
			}
		}
		limbs := st.After().Limbs
		rounds(st.Map.Step, st.Rounds, limbs)
		if st.Squares() {
			n.relin = max(n.relin, limbs)
			limbs--
		}
		if f := st.Layout.Fold; f != nil {
			rounds(f.Step, st.FoldRounds, limbs)
		}
	}
	return n
}

// sorted are the rotations in ascending order.
func (n needs) sorted() []int {
	var all []int
	for r := range n.rotations {
		all = append(all, r)
	}
	slices.Sort(all)
	return all
}

// Keys are the evaluation keys that the server needs: exactly those of its
// plan, each for the largest ciphertext it is used on. They hold no secret.
type Keys struct {
	plan   [32]byte // hash of the plan that they are for
	galois map[int]*rlwe.GaloisKey
	relin  *rlwe.RelinearizationKey
}

// generateKeys makes the keys that n needs.
func generateKeys(params rlwe.Parameters, n needs, sk *rlwe.SecretKey, plan [32]byte) (*Keys, error) {
	k := &Keys{plan: plan, galois: map[int]*rlwe.GaloisKey{}}
	rotations := n.sorted()
	made := make([]*rlwe.GaloisKey, len(rotations))
	err := spread(len(rotations), func() *rlwe.KeyGenerator { return rlwe.NewKeyGenerator(params) }, func(g *rlwe.KeyGenerator, i int) error {
		made[i] = g.GenGaloisKeyNew(params.GaloisElement(rotations[i]), sk, keyLevel(params, n.rotations[rotations[i]]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, r := range rotations {
		k.galois[r] = made[i]
	}
	if n.relin > 0 {
		k.relin = rlwe.NewKeyGenerator(params).GenRelinearizationKeyNew(sk, keyLevel(params, n.relin))
	}
	return k, nil
}

// keyLevel makes keys for ciphertexts of so many limbs.
func keyLevel(params rlwe.Parameters, limbs int) rlwe.EvaluationKeyParameters {
	q, p := limbs-1, params.MaxLevelP()
	return rlwe.EvaluationKeyParameters{LevelQ: &q, LevelP: &p}
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
func (k *Keys) Relinearisation() *rlwe.GadgetCiphertext {
	if k.relin == nil {
		return nil
	}
	return &k.relin.GadgetCiphertext
}

// Bytes is the serialised size of the keys.
func (k *Keys) Bytes() int64 {
	var n int
	for _, g := range k.galois {
		n += g.BinarySize()
	}
	if k.relin != nil {
		n += k.relin.BinarySize()
	}
	return int64(n)
}

// check refuses keys that are not those of the plan.
func (k *Keys) check(plan [32]byte, n needs) error {
	if k == nil || k.plan != plan {
		return fmt.Errorf("packed: the evaluation keys are of another plan")
	}
	for r, limbs := range n.rotations {
		if g := k.galois[r]; g == nil || g.LevelQ()+1 < limbs {
			return fmt.Errorf("packed: the evaluation keys lack the rotation by %d slots of ciphertexts of %d limbs", r, limbs)
		}
	}
	if n.relin > 0 && (k.relin == nil || k.relin.LevelQ()+1 < n.relin) {
		return fmt.Errorf("packed: the evaluation keys lack relinearisation of ciphertexts of %d limbs", n.relin)
	}
	return nil
}
