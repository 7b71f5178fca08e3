package secret

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/fastntt"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/kernel/cpu"
	"qtool/kernel/mod"
)

// Message is a polynomial of integers times a constant of each prime:
//
//	m = Factors[i] Coefficients   mod q_i
//
// Coefficients are two's complements of at most 62 bits and a sign. Factors of nil are
// all 1.
type Message struct {
	Coefficients []uint64
	Factors      []uint64
}

// Prepared is a secret key as encrypters take it. It is safe for concurrent use.
type Prepared struct {
	guard.Secret[Prepared]
	*prepared
}

// prepared keeps the key two pointers away; see guard.Secret.
type prepared struct{ limbs []*limb }

// limb is a prime of Q with its transform.
type limb struct {
	*mod.Modulus
	ring      *ring.SubRing
	transform *mod.Transform // nil: the ring's
	minus     mod.Fixed      // the key times -1, NTT domain
}

// Prepare prepares a key. It returns an error where a prime has no transform.
func Prepare(params rlwe.Parameters, key *rlwe.SecretKey) (*Prepared, error) {
	p := &prepared{}
	for i, s := range params.RingQ().SubRings {
		l := &limb{Modulus: mod.New(s.Modulus), ring: s}
		if fastntt.Serves(s) {
			var err error
			if l.transform, err = fastntt.New(l.Modulus, s); err != nil {
				return nil, err
			}
		}
		minus := make([]uint64, s.N)
		s.IMForm(key.Value.Q.Coeffs[i], minus)
		for k, v := range minus {
			if v != 0 { // minus zero is zero, not q
				minus[k] = s.Modulus - v
			}
		}
		l.minus = l.Fixed(minus)
		p.limbs = append(p.limbs, l)
	}
	return &Prepared{prepared: p}, nil
}

// forward transforms x, reduced, in place.
func (l *limb) forward(x []uint64) {
	if l.transform != nil {
		l.transform.Forward(x)
	} else {
		l.ring.NTT(x, x)
	}
}

// Encrypter encrypts under a secret key. It is one goroutine's.
type Encrypter struct {
	guard.Secret[Encrypter]
	*hidden
}

// hidden keeps the key two pointers away; see guard.Secret.
type hidden struct{ *encrypter }

type encrypter struct {
	limbs  []*limb
	stream *sample.Stream // of errors
	masks  *sample.Stream
	errors []int64
	words  []uint64
}

// Encrypter makes an encrypter whose errors come from a stream that begins with seed.
func (p *Prepared) Encrypter(seed sample.Seed) *Encrypter {
	n := p.limbs[0].ring.N
	return &Encrypter{hidden: &hidden{&encrypter{
		limbs: p.limbs, stream: sample.NewStream(seed), masks: sample.NewStream(sample.Seed{}),
		errors: make([]int64, n), words: make([]uint64, n),
	}}}
}

// Encrypt is an encryption (body, mask) of a message, a limb for each of the first
// primes, in the NTT domain:
//
//	mask uniform,   body = m + e - mask s
//
// with e of package sample's Gaussian and the mask that Mask makes of a seed. No two
// encryptions may have one seed.
func (x *Encrypter) Encrypt(m Message, limbs int, public sample.Seed) (body, mask [][]uint64) {
	x.masks.Reset(public)
	x.stream.Gaussian(cpu.Active, x.errors, x.words)
	body, mask = make([][]uint64, limbs), make([][]uint64, limbs)
	for i, l := range x.limbs[:limbs] {
		b, a := make([]uint64, l.ring.N), make([]uint64, l.ring.N)
		// A multiple of q makes negative coefficients positive.
		l.Reduce(b, m.Coefficients, ((1<<62)/l.Q+1)*l.Q)
		factor := uint64(1)
		if m.Factors != nil {
			factor = m.Factors[i]
		}
		l.Embed(b, b, x.errors, l.Factor(factor))
		l.forward(b)
		x.masks.Uniform(a, l.Q)
		l.MulAdd(b, a, l.minus, b)
		body[i], mask[i] = b, a
	}
	clear(x.errors)
	return body, mask
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
