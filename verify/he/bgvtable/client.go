package bgvtable

import (
	"context"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/utils/sampling"

	"qtool/verify/he/rns"
)

// Client owns the secret key: it makes the relinearisation key, encrypts images
// and decrypts logits. It is not safe for concurrent use; it spreads its work
// over the plan's workers itself.
type Client struct {
	plan    *Plan
	secret  *rlwe.SecretKey // NTT domain, Montgomery form
	codes   [256]int64
	workers []*clientWorker
}

// clientWorker is what one goroutine encrypts and decrypts with. Its samplers
// are Lattigo's, each seeded from the operating system.
type clientWorker struct {
	slots    ring.Poly // modulo T
	message  ring.Poly // modulo the chain
	mask     ring.Poly
	uniform  *ring.UniformSampler
	gaussian *ring.GaussianSampler
}

// NewClient generates a secret key: uniform ternary, in Lattigo's defaults.
func NewClient(p *Plan) (*Client, error) {
	params := p.ring.Parameters()
	c := &Client{plan: p, secret: rlwe.NewKeyGenerator(params).GenSecretKeyNew(), codes: p.program.Input.Codes()}
	r := params.RingQ()
	for range p.workers {
		prng, err := sampling.NewPRNG()
		if err != nil {
			return nil, fmt.Errorf("bgvtable: seeding the sampler: %w", err)
		}
		c.workers = append(c.workers, &clientWorker{
			slots:    p.slots.NewPoly(),
			message:  r.NewPoly(),
			mask:     r.NewPoly(),
			uniform:  ring.NewUniformSampler(prng, r),
			gaussian: ring.NewGaussianSampler(prng, r, rlwe.DefaultXe, false),
		})
	}
	return c, nil
}

// RelinearizationKey generates the one evaluation key, for the server.
func (c *Client) RelinearizationKey() (*rns.RelinearizationKey, error) {
	return c.plan.ring.NewRelinearizationKey(c.secret, c.plan.digits)
}

// Encrypt fills in with the encryptions of a batch of images: ciphertext i holds
// input element i of every image, image k in slot k, and zeros in the slots past
// the last image. progress is as in Server.Evaluate. On error in is undefined.
func (c *Client) Encrypt(ctx context.Context, images [][]uint8, in *Inputs, progress func(nanoseconds float64)) error {
	p := c.plan
	if len(images) > p.Slots() {
		return fmt.Errorf("bgvtable: %d images for a batch of %d", len(images), p.Slots())
	}
	for i, image := range images {
		if len(image) != p.inputs() {
			return fmt.Errorf("bgvtable: image %d has %d values, the program takes shape %v", i, len(image), p.program.Input.Shape)
		}
	}
	for len(in.all) < p.inputs() {
		r := p.ring.Parameters().RingQ()
		in.all = append(in.all, ciphertext{rns.Poly(r.NewPoly().Coeffs), rns.Poly(r.NewPoly().Coeffs)})
	}
	var residues [256]uint64
	for b, v := range c.codes {
		residues[b] = field(p.layout.t).of(v)
	}
	return run(ctx, p.workers, p.inputs(), func(w, i int) error {
		slots := c.workers[w].slots.Coeffs[0]
		for k, image := range images {
			slots[k] = residues[image[i]]
		}
		clear(slots[len(images):])
		c.encrypt(c.workers[w], &in.all[i])
		return nil
	}, func() { report(progress, p.costs.encrypt) })
}

// encrypt puts the encryption of w.slots into to:
//
//	c_1 uniform,   c_0 = -c_1 s + e + T^-1 m,   m = INTT(slots)
//
// The slots are in the order of the number theoretic transform modulo T: with no
// rotations, no other order means anything.
func (c *Client) encrypt(w *clientWorker, to *ciphertext) {
	t := field(c.plan.layout.t)
	c.plan.slots.INTT(w.slots, w.slots)
	r := c.plan.ring.Parameters().RingQ()
	w.gaussian.Read(w.message)
	w.uniform.Read(ring.Poly{Coeffs: [][]uint64(to[1])})
	for limb, s := range r.SubRings {
		x, q := w.message.Coeffs[limb], s.Modulus
		inverse := ring.MForm(ring.ModExp(uint64(t)%q, q-2, q), q, s.BRedConstant)
		for k, v := range w.slots.Coeffs[0] {
			m := uint64(t.lift(v))
			if m>>63 == 1 {
				m += q
			}
			x[k] = ring.CRed(x[k]+ring.MRed(m, inverse, q, s.MRedConstant), q)
		}
		s.NTT(x, to[0][limb])
		s.MulCoeffsMontgomeryThenSub(to[1][limb], c.secret.Value.Q.Coeffs[limb], to[0][limb])
	}
}
