package fastntt

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
)

// Transformer is a forward and an inverse transform in place.
type Transformer struct {
	Prime            uint64
	Forward, Inverse func(x []uint64)
}

// Both are the transforms of length 2^logN that Install puts into Lattigo's rings,
// with kernels in use that need not be faster, and Lattigo's own, modulo one prime
// of 45 bits: for comparing them.
func Both(logN int) (ours, lattigos Transformer) {
	// A small Q is enough: only its second prime is used, and nothing encrypted.
	p, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: logN, LogQ: []int{30, 45}, NTTFlag: true})
	if err != nil {
		panic(fmt.Sprintf("fastntt: ring of degree 2^%d: %v", logN, err))
	}
	s := p.RingQ().SubRings[1]
	r, err := replacement(s)
	if err != nil {
		panic(err.Error())
	}
	of := func(s *ring.SubRing) Transformer {
		return Transformer{s.Modulus, func(x []uint64) { s.NTT(x, x) }, func(x []uint64) { s.INTT(x, x) }}
	}
	return of(r), of(s)
}
