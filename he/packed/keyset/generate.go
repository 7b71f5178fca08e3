package keyset

import (
	"context"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/internal/parallel"
	"qtool/kernel/cpu"
)

// Generate makes the keys that n needs on so many workers. Errors come from streams that
// the operating system seeds, masks from seed. done is as in parallel.Run.
func Generate(ctx context.Context, workers int, params rlwe.Parameters, n Needs, secret *rlwe.SecretKey, seed [32]byte, done func()) (*Set, error) {
	s := &Set{Galois: map[int]*rlwe.GaloisKey{}}
	err := generate(ctx, workers, params, n, secret, seed, done, func(slots int, g rlwe.GadgetCiphertext) error {
		s.put(params, slots, g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Write writes the seed and, as they are made, the bodies of the keys that n needs:
// rotations ascending, then relinearisation. Few keys are in memory at a time. Its error is
// ctx's, or out's.
func Write(ctx context.Context, out *wire.Writer, workers int, params rlwe.Parameters, n Needs, secret *rlwe.SecretKey, seed [32]byte, done func()) error {
	out.Bytes(seed[:])
	return generate(ctx, workers, params, n, secret, seed, done, func(_ int, g rlwe.GadgetCiphertext) error {
		limbs(params, &g, body, func(x []uint64, _ uint64) { out.Words64(x) })
		return out.Err()
	})
}

// relinearisation stands for the number of slots of what is no rotation.
const relinearisation = 0

// generate makes the keys, as many at a time as there are workers, and emits them in
// order, each with the slots of its rotation.
func generate(ctx context.Context, workers int, params rlwe.Parameters, n Needs, secret *rlwe.SecretKey, seed [32]byte, done func(), emit func(slots int, g rlwe.GadgetCiphertext) error) error {
	tasks := n.tasks()
	generators := make([]*generator, workers)
	for w := range generators {
		errors, masks := sample.NewSystemStream(), sample.NewStream(seed)
		defer errors.Close()
		generators[w] = newGenerator(params, secret, errors, masks)
	}
	for from := 0; from < len(tasks); from += workers {
		part := tasks[from:min(from+workers, len(tasks))]
		made := make([]rlwe.GadgetCiphertext, len(part))
		err := parallel.Run(ctx, workers, len(part), func(w, i int) error {
			g := generators[w]
			g.masks.Reset(maskSeed(seed, from+i))
			if r := part[i].slots; r == relinearisation {
				made[i] = g.relinearisation(part[i].limbs)
			} else {
				made[i] = g.rotation(r, part[i].limbs)
			}
			return nil
		}, done)
		if err != nil {
			return err
		}
		for i, g := range made {
			if err := emit(part[i].slots, g); err != nil {
				return err
			}
		}
	}
	return nil
}

// maskSeed is the seed of the masks of key i.
func maskSeed(seed [32]byte, i int) sample.Seed {
	return sample.Derived(seed, "evaluation key", uint64(i))
}

// generator makes keys on one goroutine.
type generator struct {
	params  rlwe.Parameters
	rings   []*ring.SubRing // of Q, then of P
	secret  [][]uint64      // NTT domain, Montgomery form, modulo each
	stream  *sample.Stream  // of errors
	masks   *sample.Stream
	errors  []int64
	scratch []uint64
}

func newGenerator(params rlwe.Parameters, secret *rlwe.SecretKey, stream, masks *sample.Stream) *generator {
	return &generator{
		params: params,
		rings:  slices.Concat(params.RingQ().SubRings, params.RingP().SubRings),
		secret: slices.Concat(secret.Value.Q.Coeffs, secret.Value.P.Coeffs),
		stream: stream, masks: masks, errors: make([]int64, params.N()), scratch: make([]uint64, params.N()),
	}
}

// key takes ciphertexts of so many limbs from the secret "from" to the secret
// "to", of which both are given in the NTT domain and Montgomery form, modulo all
// primes. Digit d of the key is modulo QP, and in the NTT domain and Montgomery
// form,
//
//	(b, a),   b = e - a to + P g_d from
//
// with a uniform, e of package sample's Gaussian, and g_d being 1 modulo the
// digit's own primes and 0 modulo the others.
//
// Reference: Han and Ki, "Better Bootstrapping for Approximate Homomorphic
// Encryption", CT-RSA 2020, section 3.
func (g *generator) key(from, to [][]uint64, limbs int) rlwe.GadgetCiphertext {
	key := newGadget(g.params, limbs, func(int, uint64) []uint64 { return make([]uint64, g.params.N()) })
	special := len(g.params.P())
	for d, digit := range key.Value {
		g.stream.Gaussian(cpu.Active, g.errors, g.scratch)
		b, a := digit[0][0], digit[0][1]
		for i, s := range g.rings {
			var body, mask []uint64
			switch chain := len(g.params.Q()); {
			case i < limbs:
				body, mask = b.Q.Coeffs[i], a.Q.Coeffs[i]
			case i >= chain:
				body, mask = b.P.Coeffs[i-chain], a.P.Coeffs[i-chain]
			default:
				continue
			}
			for k, e := range g.errors {
				body[k] = uint64(e) + s.Modulus&uint64(e>>63)
			}
			s.NTT(body, body)
			s.MForm(body, body)
			g.masks.Uniform(mask, s.Modulus)
			s.MulCoeffsMontgomeryThenSub(mask, to[i], body)
			if i/special == d && i < limbs {
				p := uint64(1)
				for _, q := range g.params.P() {
					p = ring.BRed(p, q%s.Modulus, s.Modulus, s.BRedConstant)
				}
				s.MulScalarMontgomeryThenAdd(from[i], ring.MForm(p, s.Modulus, s.BRedConstant), body)
			}
		}
	}
	clear(g.errors)
	return key
}

// relinearisation is the key that takes s^2 to s.
func (g *generator) relinearisation(limbs int) rlwe.GadgetCiphertext {
	square := make([][]uint64, limbs)
	for i := range square {
		square[i] = make([]uint64, g.params.N())
		g.rings[i].MulCoeffsMontgomery(g.secret[i], g.secret[i], square[i])
	}
	defer erase(square)
	return g.key(square, g.secret, limbs)
}

// rotation is the key that takes s to pi^-1(s), pi being the automorphism of a
// rotation by so many slots: it is used before pi.
func (g *generator) rotation(slots, limbs int) rlwe.GadgetCiphertext {
	n := g.params.N()
	inverse := g.params.ModInvGaloisElement(g.params.GaloisElement(slots))
	index, err := ring.AutomorphismNTTIndex(n, g.params.RingQ().NthRoot(), inverse)
	if err != nil {
		panic(err) // the element is one of the ring's
	}
	to := make([][]uint64, len(g.secret))
	for i, x := range g.secret {
		to[i] = make([]uint64, n)
		for k, from := range index {
			to[i][k] = x[from]
		}
	}
	defer erase(to)
	return g.key(g.secret, to, limbs)
}

// erase clears a secret's limbs.
func erase(limbs [][]uint64) {
	for _, x := range limbs {
		clear(x)
	}
}
