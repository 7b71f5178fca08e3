// Package secret makes, writes and reads ternary secret keys.
package secret

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/sample"
)

// New draws a secret key of N uniform ternary coefficients.
func New(params rlwe.Parameters, s *sample.Stream) *rlwe.SecretKey {
	coefficients := make([]int8, params.N())
	s.Ternary(coefficients)
	key := fromTernary(params, coefficients)
	clear(coefficients)
	return key
}

// NewFromSystem is New with a stream that the operating system seeds.
func NewFromSystem(params rlwe.Parameters) *rlwe.SecretKey {
	s := sample.NewSystemStream()
	defer s.Close()
	return New(params, s)
}

// Coefficients are a ternary secret key's plus one, a byte each: N bytes.
func Coefficients(params rlwe.Parameters, key *rlwe.SecretKey) []byte {
	r := params.RingQ().AtLevel(0)
	c := r.NewPoly()
	r.IMForm(ring.Poly{Coeffs: key.Value.Q.Coeffs[:1]}, c)
	r.INTT(c, c)
	b := make([]byte, r.N())
	for i, x := range c.Coeffs[0] {
		b[i] = byte((x + 1) % r.SubRings[0].Modulus)
	}
	clear(c.Coeffs[0])
	return b
}

// Key undoes Coefficients, for N bytes. It returns an error if they are none.
func Key(params rlwe.Parameters, b []byte) (*rlwe.SecretKey, error) {
	coefficients := make([]int8, len(b))
	for i, x := range b {
		if x > 2 {
			return nil, fmt.Errorf("secret key is damaged at coefficient %d", i)
		}
		coefficients[i] = int8(x) - 1
	}
	key := fromTernary(params, coefficients)
	clear(coefficients)
	return key, nil
}

// fromTernary is the key of N coefficients, in the NTT domain and Montgomery form
// modulo every prime.
func fromTernary(params rlwe.Parameters, coefficients []int8) *rlwe.SecretKey {
	key := rlwe.NewSecretKey(params)
	fill := func(r *ring.Ring, to ring.Poly) {
		for i, limb := range to.Coeffs {
			q := r.SubRings[i].Modulus
			for j, x := range coefficients {
				limb[j] = uint64(int64(x)) + q&uint64(int64(x)>>63)
			}
		}
		r.NTT(to, to)
		r.MForm(to, to)
	}
	fill(params.RingQ(), key.Value.Q)
	if r := params.RingP(); r != nil {
		fill(r, key.Value.P)
	}
	return key
}
