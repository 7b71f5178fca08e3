package keyset

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"
	"github.com/tuneinsight/lattigo/v5/utils/structs"
)

// newGadget makes a key for ciphertexts of so many limbs, of the limbs that limb
// gives for their primes: digit by digit, in each the body and then the mask, in
// each the limbs of Q and then the limbs of P. A digit takes as many limbs as P has
// primes.
func newGadget(params rlwe.Parameters, limbs int, limb func(half int, q uint64) []uint64) rlwe.GadgetCiphertext {
	special := len(params.P())
	poly := func(half int, primes []uint64) (p ring.Poly) {
		for _, q := range primes {
			p.Coeffs = append(p.Coeffs, limb(half, q))
		}
		return p
	}
	value := make(structs.Matrix[rlwe.VectorQP], (limbs+special-1)/special)
	for d := range value {
		pair := make(rlwe.VectorQP, 2)
		for half := range pair {
			q := poly(half, params.Q()[:limbs])
			pair[half] = ringqp.Poly{Q: q, P: poly(half, params.P())}
		}
		value[d] = []rlwe.VectorQP{pair}
	}
	return rlwe.GadgetCiphertext{Value: value}
}

// newGaloisKey makes the key of a rotation.
func newGaloisKey(params rlwe.Parameters, slots int, g rlwe.GadgetCiphertext) *rlwe.GaloisKey {
	return &rlwe.GaloisKey{
		GaloisElement: params.GaloisElement(slots), NthRoot: params.RingQ().NthRoot(),
		EvaluationKey: rlwe.EvaluationKey{GadgetCiphertext: g},
	}
}
