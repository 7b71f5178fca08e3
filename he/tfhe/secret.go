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
	id     wire.KeyID
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
func newSecretKey(p *Parameters, id wire.KeyID) *SecretKey {
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

// sampler draws errors. It is for one goroutine.
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

// body fills c0 with what makes an encryption of zero of the mask c1, both in the
// coefficient domain:
//
//	c0 = e - c1 S.
func (s *sampler) body(k *SecretKey, c0, c1 []uint64) {
	r := s.params.ring.SubRings[0]
	copy(c0, c1)
	s.params.forward(c0)
	r.MulCoeffsMontgomery(c0, k.ntt, c0)
	s.params.inverse(c0)
	e := s.errors()
	for i, x := range e {
		d := s.params.residue(x) + s.params.q - c0[i]
		if d >= s.params.q {
			d -= s.params.q
		}
		c0[i] = d
	}
	clear(e)
}

// row fills c0 with what makes an encryption of m of the mask c1, both in the NTT domain
// and Montgomery form, where m is the constant v or, for component 1, v S:
//
//	c0 = e + m - c1 S.
//
// The phase is the one of an encryption of zero to whose component c1 the constant v was
// added; the mask is uniform as it is.
func (s *sampler) row(k *SecretKey, c0, c1 []uint64, component int, v uint64) {
	r := s.params.ring.SubRings[0]
	e := s.errors()
	for i, x := range e {
		c0[i] = s.params.residue(x)
	}
	clear(e)
	s.params.forward(c0)
	if component == 0 {
		r.AddScalar(c0, v, c0)
	} else {
		r.MulScalarMontgomeryThenAdd(k.ntt, v, c0)
	}
	r.MForm(c0, c0)
	r.MulCoeffsMontgomeryThenSub(c1, k.ntt, c0)
}

// errors draws N errors; the result is valid until the next call.
func (s *sampler) errors() []int64 {
	s.stream.Gaussian(cpu.Active, s.e, s.words)
	return s.e
}
