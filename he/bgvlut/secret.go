package bgvlut

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/internal/guard"
	"qtool/he/internal/secret"
	"qtool/he/wire"
)

// SecretKey is a client's secret: a ring element with uniform ternary
// coefficients. It prints as nothing but its name.
type SecretKey struct {
	guard.Secret[SecretKey]
	params parameters
	id     wire.KeyID
	key    *rlwe.SecretKey
}

// NewSecretKey draws a secret key from a stream that the operating system seeds.
func (p *Plan) NewSecretKey() *SecretKey {
	return &SecretKey{params: p.parameters(), id: wire.NewKeyID(), key: secret.NewFromSystem(p.ring.Parameters())}
}
