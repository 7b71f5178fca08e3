package tfhe

import (
	"encoding/binary"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// SecretKey is a client's two secrets. It prints as nothing but its name.
type SecretKey struct {
	params *Parameters
	id     KeyID
	wide   []int8   // S: the ring secret's coefficients, -1, 0 or 1
	narrow []uint8  // s: bits
	ntt    []uint64 // S in the NTT domain and Montgomery form
}

// String hides the secrets.
func (*SecretKey) String() string { return "tfhe.SecretKey" }

// GoString hides the secrets.
func (k *SecretKey) GoString() string { return k.String() }

// NewSecretKey draws a secret key: a uniform ternary ring element and uniform
// bits, from the operating system's randomness.
func NewSecretKey(p *Parameters) (*SecretKey, error) {
	prng, err := newPRNG()
	if err != nil {
		return nil, err
	}
	ternary, err := ring.NewTernarySampler(prng, p.ring, ring.Ternary{P: ternaryVariance}, false)
	if err != nil {
		return nil, fmt.Errorf("tfhe: secret sampler: %w", err)
	}
	k := &SecretKey{params: p, wide: make([]int8, p.N()), narrow: make([]uint8, p.Dimension)}
	for i, x := range ternary.ReadNew().Coeffs[0] {
		k.wide[i] = int8(p.centre(x))
	}
	bits := make([]byte, p.Dimension)
	prng.Read(bits)
	prng.Read(k.id[:])
	for i, b := range bits {
		k.narrow[i] = b & 1
	}
	k.prepare()
	return k, nil
}

// prepare computes ntt from wide.
func (k *SecretKey) prepare() {
	r := k.params.ring.SubRings[0]
	k.ntt = make([]uint64, len(k.wide))
	for i, x := range k.wide {
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

// sampler draws masks and errors, seeded from the operating system. It is for
// one goroutine.
type sampler struct {
	params   *Parameters
	prng     *prng
	uniform  *ring.UniformSampler
	gaussian *ring.GaussianSampler
	poly     ring.Poly
	words    []byte
}

func (p *Parameters) newSampler() (*sampler, error) {
	prng, err := newPRNG()
	if err != nil {
		return nil, err
	}
	return p.samplerOf(prng), nil
}

func (p *Parameters) samplerOf(prng *prng) *sampler {
	return &sampler{
		params: p, prng: prng,
		uniform:  ring.NewUniformSampler(prng, p.ring),
		gaussian: ring.NewGaussianSampler(prng, p.ring, ring.DiscreteGaussian{Sigma: sigma, Bound: sigmaBound}, false),
		poly:     p.ring.NewPoly(),
	}
}

// zero makes an encryption (c0, c1) of zero in the NTT domain:
//
//	c1 uniform,   c0 = e - c1 S.
func (s *sampler) zero(k *SecretKey, c0, c1 []uint64) {
	r := s.params.ring.SubRings[0]
	s.uniform.Read(s.poly)
	copy(c1, s.poly.Coeffs[0])
	s.gaussian.Read(s.poly)
	copy(c0, s.poly.Coeffs[0])
	s.params.forward(c0)
	r.MulCoeffsMontgomeryThenSub(c1, k.ntt, c0)
}

// errors draws N errors; the result is valid until the next call.
func (s *sampler) errors() []uint64 {
	s.gaussian.Read(s.poly)
	return s.poly.Coeffs[0]
}

// mask fills dst with uniform 32-bit words.
func (s *sampler) mask(dst []uint32) {
	if len(s.words) < 4*len(dst) {
		s.words = make([]byte, 4*len(dst))
	}
	b := s.words[:4*len(dst)]
	s.prng.Read(b)
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
}
