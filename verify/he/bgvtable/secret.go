package bgvtable

import (
	"crypto/rand"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/verify/he/wire"
)

// SecretKey is a client's secret: a ring element with uniform ternary
// coefficients. It prints as nothing but its name.
type SecretKey struct {
	params parameters
	id     wire.KeyID
	key    *rlwe.SecretKey
}

// String hides the secret.
func (*SecretKey) String() string { return "bgvtable.SecretKey" }

// GoString hides the secret.
func (k *SecretKey) GoString() string { return k.String() }

// NewSecretKey draws a secret key, by Lattigo.
func (p *Plan) NewSecretKey() (*SecretKey, error) {
	k := &SecretKey{params: p.parameters(), key: rlwe.NewKeyGenerator(p.ring.Parameters()).GenSecretKeyNew()}
	if _, err := rand.Read(k.id[:]); err != nil {
		return nil, fmt.Errorf("bgvtable: %w", err)
	}
	return k, nil
}

// coefficients are the secret's plus one, a byte each.
func (k *SecretKey) coefficients(p *Plan) []byte {
	r := p.ring.Parameters().RingQ().AtLevel(0)
	c := r.NewPoly()
	r.IMForm(ring.Poly{Coeffs: k.key.Value.Q.Coeffs[:1]}, c)
	r.INTT(c, c)
	b := make([]byte, r.N())
	for i, x := range c.Coeffs[0] {
		b[i] = byte((x + 1) % r.SubRings[0].Modulus)
	}
	return b
}

// secretKey undoes SecretKey.coefficients. It returns an error if b are none.
func (p *Plan) secretKey(id wire.KeyID, b []byte) (*SecretKey, error) {
	for i, x := range b {
		if x > 2 {
			return nil, fmt.Errorf("bgvtable: secret key is damaged at coefficient %d", i)
		}
	}
	params := p.ring.Parameters()
	k := &SecretKey{params: p.parameters(), id: id, key: rlwe.NewSecretKey(params)}
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
	fill(params.RingQ(), k.key.Value.Q)
	if r := params.RingP(); r != nil {
		fill(r, k.key.Value.P)
	}
	return k, nil
}
