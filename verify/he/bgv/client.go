package bgv

import (
	"context"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/utils/sampling"
)

// Client owns the secret key: it encrypts images and decrypts logits. It keeps
// its memory between batches and is not safe for concurrent use; it spreads its
// work over the plan's workers itself.
type Client struct {
	plan    *Plan
	secret  *rlwe.SecretKey // NTT domain, Montgomery form
	codes   [256]int64
	workers []*clientWorker
}

// clientWorker is what one goroutine encrypts and decrypts with. Its samplers
// are Lattigo's, each seeded from the operating system.
type clientWorker struct {
	slots    ring.Poly // modulo a plaintext prime
	message  ring.Poly // modulo the ciphertext primes
	mask     ring.Poly
	uniform  *ring.UniformSampler
	gaussian *ring.GaussianSampler
	integers []int64
}

// NewClient generates a secret key: uniform ternary, in Lattigo's defaults.
func NewClient(p *Plan) (*Client, error) {
	c := &Client{
		plan:   p,
		secret: rlwe.NewKeyGenerator(p.params).GenSecretKeyNew(),
		codes:  p.program.Input.Codes(),
	}
	r := p.params.RingQ()
	for range p.workers {
		prng, err := sampling.NewPRNG()
		if err != nil {
			return nil, fmt.Errorf("bgv: seeding the sampler: %w", err)
		}
		c.workers = append(c.workers, &clientWorker{
			slots:    ring.NewPoly(p.Slots(), 0),
			message:  r.NewPoly(),
			mask:     r.NewPoly(),
			uniform:  ring.NewUniformSampler(prng, r),
			gaussian: ring.NewGaussianSampler(prng, r, rlwe.DefaultXe, false),
		})
	}
	return c, nil
}

// Encrypt fills in with the encryptions of a batch of images for one plaintext
// prime: ciphertext i holds input element i of every image, image k in slot k,
// and zeros in the slots past the last image. progress is as in Server.Evaluate.
// On error in is undefined.
func (c *Client) Encrypt(ctx context.Context, images [][]uint8, prime int, in *Inputs, progress func(nanoseconds float64)) error {
	p := c.plan
	if len(images) > p.Slots() {
		return fmt.Errorf("bgv: %d images for a batch of %d", len(images), p.Slots())
	}
	for i, image := range images {
		if len(image) != p.inputs() {
			return fmt.Errorf("bgv: image %d has %d values, the program takes shape %v", i, len(image), p.program.Input.Shape)
		}
	}
	in.Prime = prime
	in.reset(p.Slots(), p.inputs(), 1, len(p.layout.q))
	var residues [256]uint64
	for b, v := range c.codes {
		residues[b] = residue(v, p.layout.t[prime])
	}
	return run(ctx, p.workers, p.inputs(), func(w, i int) error {
		slots := c.workers[w].slots.Coeffs[0]
		for k, image := range images {
			slots[k] = residues[image[i]]
		}
		clear(slots[len(images):])
		c.encrypt(c.workers[w], prime, &in.tensor, i)
		return nil
	}, func() { report(progress, p.costs.encrypt) })
}

// encrypt puts the encryption of w.slots into element i:
//
//	c_1 uniform,   c_0 = -c_1 s + e + T^-1 m,   m = INTT(slots)
//
// The slots are in the order of the number theoretic transform modulo t: with no
// rotations, no other order means anything.
func (c *Client) encrypt(w *clientWorker, prime int, to *tensor, i int) {
	t, m := c.plan.layout.t[prime], w.slots.Coeffs[0]
	c.plan.rings[prime].INTT(w.slots, w.slots)
	r := c.plan.params.RingQ()
	for limb, s := range r.SubRings {
		q := newModulus(s.Modulus)
		x, inverseT, wrap := w.message.Coeffs[limb], q.montgomery(inverse(t, q.q)), t%q.q
		for k, v := range m {
			v, negative := ring.BRedAdd(v, q.q, q.barret), v > t/2
			if negative { // the centred residue v - t
				v = ring.CRed(v+q.q-wrap, q.q)
			}
			x[k] = ring.MRed(v, inverseT, q.q, q.mont)
		}
	}
	w.gaussian.ReadAndAdd(w.message)
	w.uniform.Read(w.mask)
	for limb, s := range r.SubRings {
		x, a := w.message.Coeffs[limb], w.mask.Coeffs[limb]
		s.NTT(x, x)
		to.scatter(a, limb, i, 1)
		s.MulCoeffsMontgomery(a, c.secret.Value.Q.Coeffs[limb], a)
		s.Sub(x, a, x)
		to.scatter(x, limb, i, 0)
	}
}
