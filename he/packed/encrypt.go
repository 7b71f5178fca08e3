package packed

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he/internal/sample"
	"qtool/he/packed/engine"
	"qtool/kernel/cpu"
)

// tools are what one goroutine encodes and encrypts with.
type tools[T any] struct {
	encode encoder[T]
	secret *rlwe.SecretKey // NTT domain, Montgomery form
	stream *sample.Stream  // nil before the first encryption
	errors []int64
	words  []uint64
}

func newTools[T any](encode encoder[T], secret *rlwe.SecretKey) *tools[T] {
	n := secret.Value.Q.N()
	return &tools[T]{encode: encode, secret: secret, errors: make([]int64, n), words: make([]uint64, n)}
}

// encrypt encrypts values, encoded at a scale as the message m:
//
//	c_1 uniform,   c_0 = m + e - c_1 s
//
// in the NTT domain, with e of package sample's Gaussian. What it draws comes
// from a stream that the operating system seeds.
func (t *tools[T]) encrypt(p *common, values []T, scale T) (engine.Ciphertext, error) {
	m, err := t.encode(values, p.lowered.Limbs, false, true, scale)
	if err != nil {
		return nil, fmt.Errorf("packed: encoding: %w", err)
	}
	if t.stream == nil {
		seed, err := sample.NewSeed()
		if err != nil {
			return nil, fmt.Errorf("packed: encrypting: %w", err)
		}
		t.stream = sample.NewStream(seed)
	}
	t.stream.Gaussian(cpu.Active, t.errors, t.words)
	mask := make(engine.Poly, len(m))
	for i, s := range p.fastRing().RingQ().SubRings[:len(m)] {
		for k, e := range t.errors {
			t.words[k] = uint64(e) + s.Modulus&uint64(e>>63)
		}
		s.NTT(t.words, t.words)
		s.Add(m[i], t.words, m[i])
		mask[i] = make([]uint64, s.N)
		t.stream.Uniform(mask[i], s.Modulus)
		s.MulCoeffsMontgomeryThenSub(mask[i], t.secret.Value.Q.Coeffs[i], m[i])
	}
	return engine.Ciphertext{m, mask}, nil
}
