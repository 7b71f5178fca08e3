package rns

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/fastntt"
	"qtool/kernel/mod"
)

// Poly is a polynomial, one limb a prime of the chain from the first on.
type Poly [][]uint64

// Ring is the ring of ciphertexts: the chain q_0, q_1, ..., whose last primes are
// dropped first, and the special primes of key switching. Limbs are numbered
// through both, special ones last. It is immutable.
type Ring struct {
	params     rlwe.Parameters
	t          uint64
	chain      int
	moduli     []*mod.Modulus
	transforms []*mod.Transform
}

// NewRing makes the ring of degree 2^logN with plaintext modulus t.
func NewRing(logN int, t uint64, chain, special []uint64) (*Ring, error) {
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: logN, Q: chain, P: special, NTTFlag: true})
	if err != nil {
		return nil, fmt.Errorf("rns: %w", err)
	}
	r := &Ring{params: params, t: t, chain: len(chain)}
	subs := params.RingQ().SubRings
	if len(special) > 0 {
		subs = append(subs[:len(subs):len(subs)], params.RingP().SubRings...)
	}
	for _, s := range subs {
		m := mod.New(s.Modulus)
		x, err := fastntt.New(m, s)
		if err != nil {
			return nil, fmt.Errorf("rns: %w", err)
		}
		r.moduli, r.transforms = append(r.moduli, m), append(r.transforms, x)
	}
	return r, nil
}

// Parameters are Lattigo's, for its key generation and types.
func (r *Ring) Parameters() rlwe.Parameters { return r.params }

// N is the ring degree.
func (r *Ring) N() int { return r.params.N() }

// Levels is the number of primes of the chain.
func (r *Ring) Levels() int { return r.chain }

// Modulus is limb i's; special primes follow the chain.
func (r *Ring) Modulus(i int) *mod.Modulus { return r.moduli[i] }

// Transform is limb i's.
func (r *Ring) Transform(i int) *mod.Transform { return r.transforms[i] }

// special are the numbers of the special primes' limbs.
func (r *Ring) special() []int { return span(r.chain, len(r.moduli)) }

// product is the product of the given primes, modulo prime i.
func (r *Ring) product(i int, primes []int) uint64 {
	m, p := r.moduli[i], uint64(1)
	for _, k := range primes {
		p = m.Mul(p, r.moduli[k].Q%m.Q)
	}
	return p
}

// montgomery is 2^64 modulo prime i, and lowered its inverse: sums of products with a key are
// taken over 2^64, see mod.Inner.
func (r *Ring) montgomery(i int) uint64 {
	m := r.moduli[i]
	half := uint64(1<<32) % m.Q
	return m.Mul(half, half)
}

func (r *Ring) lowered(i int) uint64 { return r.moduli[i].Inverse(r.montgomery(i)) }

func span(from, to int) []int {
	all := make([]int, 0, max(0, to-from))
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

func (r *Ring) rows(n int) [][]uint64 {
	all := make([][]uint64, n)
	for i := range all {
		all[i] = make([]uint64, r.N())
	}
	return all
}
