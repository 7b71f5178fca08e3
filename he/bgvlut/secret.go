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
	*hidden
}

// hidden keeps the key two pointers away; see guard.Secret.
type hidden struct{ key *rlwe.SecretKey }

// NewSecretKey draws a secret key from a stream that the operating system seeds.
func (p *Plan) NewSecretKey() *SecretKey {
	return &SecretKey{params: p.parameters(), id: wire.NewKeyID(), hidden: &hidden{secret.NewFromSystem(p.ring.Parameters())}}
}
