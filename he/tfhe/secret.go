package tfhe

import (
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/kernel/cpu"
)

// SecretKey is a client's two secrets. It prints as nothing but its name.
type SecretKey struct {
	guard.Secret[SecretKey]
	params *Parameters
	id     KeyID
	*hidden
}

// hidden keeps the secrets two pointers away; see guard.Secret.
type hidden struct{ *secrets }

type secrets struct {
	bigKey   []int8   // S: the ring secret's coefficients, -1, 0 or 1
	smallKey []uint8  // s: bits
	ntt      []uint64 // S in the NTT domain and Montgomery form
}

// NewSecretKey draws a secret key: a uniform ternary ring element and uniform
// bits, from a stream that the operating system seeds.
func NewSecretKey(p *Parameters) *SecretKey {
	stream := sample.NewSystemStream()
	defer stream.Close()
	k := newSecretKey(p, wire.NewKeyID())
	stream.Ternary(k.bigKey)
	stream.Binary(k.smallKey)
	k.prepare()
	return k
}

// newSecretKey makes room for a key.
func newSecretKey(p *Parameters, id KeyID) *SecretKey {
	return &SecretKey{params: p, id: id, hidden: &hidden{&secrets{
		bigKey: make([]int8, p.N()), smallKey: make([]uint8, p.Dimension), ntt: make([]uint64, p.N()),
	}}}
}

// prepare computes ntt from bigKey.
func (k *SecretKey) prepare() {
	r := k.params.ring.SubRings[0]
	for i, x := range k.bigKey {
		k.ntt[i] = k.params.residue(int64(x))
	}
	k.params.forward(k.ntt)
	r.MForm(k.ntt, k.ntt)
}

// centre is the residue of x modulo Q in [-Q/2, Q/2).
func (p *Parameters) centre(x uint64) int64 {
	if x > p.q/2 {
		return int64(x) - int64(p.q)
	}
	return int64(x)
}

// residue is x modulo Q for |x| < Q.
func (p *Parameters) residue(x int64) uint64 {
	if x < 0 {
		return uint64(x + int64(p.q))
	}
	return uint64(x)
}

// sampler draws masks and errors. It is for one goroutine.
type sampler struct {
	params *Parameters
	stream *sample.Stream
	e      []int64
	words  []uint64
}

// newSampler makes a sampler of a stream that begins with seed.
func (p *Parameters) newSampler(seed sample.Seed) *sampler {
	return &sampler{params: p, stream: sample.NewStream(seed), e: make([]int64, p.N()), words: make([]uint64, p.N())}
}

// zero makes an encryption (c0, c1) of zero in the NTT domain:
//
//	c1 uniform,   c0 = e - c1 S.
func (s *sampler) zero(k *SecretKey, c0, c1 []uint64) {
	s.stream.Uniform(c1, s.params.q)
	e := s.errors()
	for i, x := range e {
		c0[i] = s.params.residue(x)
	}
	clear(e)
	s.params.forward(c0)
	s.params.ring.SubRings[0].MulCoeffsMontgomeryThenSub(c1, k.ntt, c0)
}

// errors draws N errors; the result is valid until the next call.
func (s *sampler) errors() []int64 {
	s.stream.Gaussian(cpu.Active, s.e, s.words)
	return s.e
}
