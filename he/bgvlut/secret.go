package bgvlut

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/wire"
)

// SecretKey is a client's secret: a ring element with uniform ternary
// coefficients. It prints as nothing but its name.
type SecretKey struct {
	params parameters
	id     wire.KeyID
	key    *rlwe.SecretKey
}

// String hides the secret.
func (*SecretKey) String() string { return "bgvlut.SecretKey" }

// GoString hides the secret.
func (k *SecretKey) GoString() string { return k.String() }

// NewSecretKey draws a secret key, by Lattigo.
func (p *Plan) NewSecretKey() *SecretKey {
	return &SecretKey{p.parameters(), wire.NewKeyID(), rlwe.NewKeyGenerator(p.ring.Parameters()).GenSecretKeyNew()}
}
