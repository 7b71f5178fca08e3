package secret

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/kernel/cpu"
)

// Encrypter encrypts under a secret key. It is one goroutine's.
type Encrypter struct {
	guard.Secret[Encrypter]
	*hidden
}

// hidden keeps the key two pointers away; see guard.Secret.
type hidden struct{ *encrypter }

type encrypter struct {
	rings  []*ring.SubRing
	key    [][]uint64     // modulo each, NTT domain, Montgomery form
	stream *sample.Stream // of errors
	masks  *sample.Stream
	errors []int64
	words  []uint64
}

// NewEncrypter makes an encrypter whose errors come from a stream that begins with seed.
func NewEncrypter(params rlwe.Parameters, key *rlwe.SecretKey, seed sample.Seed) *Encrypter {
	return &Encrypter{hidden: &hidden{&encrypter{
		rings: params.RingQ().SubRings, key: key.Value.Q.Coeffs, stream: sample.NewStream(seed), masks: sample.NewStream(sample.Seed{}),
		errors: make([]int64, params.N()), words: make([]uint64, params.N()),
	}}}
}

// Encrypt turns a message m, a limb for each of the first primes, in the NTT
// domain, into an encryption (m, mask) in place:
//
//	mask uniform,   m + e - mask s
//
// with e of package sample's Gaussian and the mask that Mask makes of a seed. No two
// encryptions may have one seed.
func (x *Encrypter) Encrypt(m [][]uint64, public sample.Seed) (mask [][]uint64) {
	x.masks.Reset(public)
	x.stream.Gaussian(cpu.Active, x.errors, x.words)
	mask = make([][]uint64, len(m))
	for i, s := range x.rings[:len(m)] {
		for k, e := range x.errors {
			x.words[k] = uint64(e) + s.Modulus&uint64(e>>63)
		}
		s.NTT(x.words, x.words)
		s.Add(m[i], x.words, m[i])
		mask[i] = make([]uint64, s.N)
		x.masks.Uniform(mask[i], s.Modulus)
		s.MulCoeffsMontgomeryThenSub(mask[i], x.key[i], m[i])
	}
	clear(x.errors)
	clear(x.words)
	return mask
}

// Mask is the mask of an encryption that a public seed stands for: a limb of n residues
// for each of the moduli, one after the other from one stream.
func Mask(public sample.Seed, n int, moduli []uint64) (mask [][]uint64) {
	stream := sample.NewStream(public)
	for _, q := range moduli {
		limb := make([]uint64, n)
		stream.Uniform(limb, q)
		mask = append(mask, limb)
	}
	return mask
}
