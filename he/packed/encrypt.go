package packed

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
)

// tools are what one goroutine encodes and encrypts with.
type tools[T any] struct {
	encode    encoder[T]
	encrypter *secret.Encrypter
}

func newTools[T any](encode encoder[T], params rlwe.Parameters, key *rlwe.SecretKey, seed sample.Seed) *tools[T] {
	return &tools[T]{encode, secret.NewEncrypter(params, key, seed)}
}

// encrypt encrypts values, encoded at a scale; see secret.Encrypter.
func (t *tools[T]) encrypt(p *common, values []T, scale T) (engine.Ciphertext, error) {
	m, err := t.encode(values, p.lowered.Limbs, false, true, scale)
	if err != nil {
		return nil, fmt.Errorf("packed: encoding: %w", err)
	}
	return engine.Ciphertext{m, t.encrypter.Encrypt(m)}, nil
}
