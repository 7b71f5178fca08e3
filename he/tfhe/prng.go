package tfhe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

// prng is a stream of random bytes: AES-256 in counter mode under a key from the
// operating system. It implements Lattigo's sampling.PRNG, and is for one
// goroutine.
type prng struct{ stream cipher.Stream }

func newPRNG() (*prng, error) {
	var seed [32 + aes.BlockSize]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("tfhe: randomness: %w", err)
	}
	block, err := aes.NewCipher(seed[:32])
	if err != nil {
		return nil, fmt.Errorf("tfhe: random stream: %w", err)
	}
	return &prng{cipher.NewCTR(block, seed[32:])}, nil
}

// Read fills b. It never fails.
func (r *prng) Read(b []byte) (int, error) {
	clear(b)
	r.stream.XORKeyStream(b, b)
	return len(b), nil
}
