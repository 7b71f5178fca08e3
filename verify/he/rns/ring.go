package rns

import (
	"fmt"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
)

// Poly is a polynomial, one limb a prime of the chain from the first on.
type Poly [][]uint64

// Ring is the ring of ciphertexts: the chain q_0, q_1, ..., whose last primes are
// dropped first, and the special primes of key switching. Limbs are numbered
// through both, special ones last. It is immutable.
type Ring struct {
	params rlwe.Parameters
	t      uint64
	chain  int
	subs   []*ring.SubRing
	f      []uint64 // T*2^64 modulo each prime
}

// NewRing makes the ring of degree 2^logN with plaintext modulus t.
func NewRing(logN int, t uint64, chain, special []uint64) (*Ring, error) {
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: logN, Q: chain, P: special, NTTFlag: true})
	if err != nil {
		return nil, fmt.Errorf("rns: %w", err)
	}
	r := &Ring{params: params, t: t, chain: len(chain)}
	r.subs = append(r.subs, params.RingQ().SubRings...)
	if len(special) > 0 {
		r.subs = append(r.subs, params.RingP().SubRings...)
	}
	for _, s := range r.subs {
		r.f = append(r.f, ring.MForm(t%s.Modulus, s.Modulus, s.BRedConstant))
	}
	return r, nil
}

// Parameters are Lattigo's, for key generation and ciphertexts of its types.
func (r *Ring) Parameters() rlwe.Parameters { return r.params }

// N is the ring degree.
func (r *Ring) N() int { return r.params.N() }

// Levels is the number of primes of the chain.
func (r *Ring) Levels() int { return r.chain }

// Sub is limb i's ring; special primes follow the chain.
func (r *Ring) Sub(i int) *ring.SubRing { return r.subs[i] }

// special are the numbers of the special primes' limbs.
func (r *Ring) special() []int { return span(r.chain, len(r.subs)) }

// mont is x*2^64 modulo prime i.
func (r *Ring) mont(i int, x uint64) uint64 {
	s := r.subs[i]
	return ring.MForm(x, s.Modulus, s.BRedConstant)
}

// mul is x*y modulo prime i.
func (r *Ring) mul(i int, x, y uint64) uint64 {
	s := r.subs[i]
	return ring.BRed(x, y, s.Modulus, s.BRedConstant)
}

// inverse is x^-1 modulo prime i.
func (r *Ring) inverse(i int, x uint64) uint64 {
	q := r.subs[i].Modulus
	return ring.ModExp(x%q, q-2, q)
}

// product is that of the given primes, modulo prime i.
func (r *Ring) product(i int, primes []int) uint64 {
	p := uint64(1)
	for _, k := range primes {
		p = r.mul(i, p, r.subs[k].Modulus%r.subs[i].Modulus)
	}
	return p
}

// modulus is the product of the given primes.
func (r *Ring) modulus(primes []int) *big.Int {
	p := big.NewInt(1)
	for _, k := range primes {
		p.Mul(p, new(big.Int).SetUint64(r.subs[k].Modulus))
	}
	return p
}

func span(from, to int) []int {
	all := make([]int, 0, max(0, to-from))
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}
