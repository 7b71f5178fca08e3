// Package secret writes and reads the coefficients of ternary secret keys.
package secret

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
)

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
	return b
}

// Key undoes Coefficients, for N bytes. It returns an error if they are none.
func Key(params rlwe.Parameters, b []byte) (*rlwe.SecretKey, error) {
	for i, x := range b {
		if x > 2 {
			return nil, fmt.Errorf("secret key is damaged at coefficient %d", i)
		}
	}
	key := rlwe.NewSecretKey(params)
	fill := func(r *ring.Ring, to ring.Poly) {
		for i, limb := range to.Coeffs {
			q := r.SubRings[i].Modulus
			for j, x := range b {
				limb[j] = (uint64(x) + q - 1) % q
			}
		}
		r.NTT(to, to)
		r.MForm(to, to)
	}
	fill(params.RingQ(), key.Value.Q)
	if r := params.RingP(); r != nil {
		fill(r, key.Value.P)
	}
	return key, nil
}
