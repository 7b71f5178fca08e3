package bgv

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle"
	"qtool/he/internal/guard"
	"qtool/he/internal/meter"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// Client owns the secret key: it encrypts samples and decrypts logits. It keeps
// its memory between batches and is not safe for concurrent use; it spreads its
// work over the plan's workers itself.
type Client struct {
	guard.Secret[Client]
	*client
}

// client is what a Client holds.
type client struct {
	plan *Plan
	*keys
	seeds   *sample.Stream
	workers []*clientWorker
}

// keys are the secret key in the forms that are used, two pointers away from a
// Client; see guard.Secret.
type keys struct {
	secret   *rlwe.SecretKey // NTT domain, Montgomery form
	key      []mod.Fixed     // s modulo the ciphertext primes, NTT domain
	negative []mod.Fixed     // -s
}

// clientWorker is what one goroutine encrypts and decrypts with.
type clientWorker struct {
	stream  *sample.Stream
	slots   []uint64 // modulo a plaintext prime
	errors  []int64
	message []uint64 // modulo a ciphertext prime, as all below
	mask    []uint64
	phase   [][]uint64 // of an output
}

// NewClient generates a secret key: uniform ternary. It and what encryption draws
// come from package sample's streams, which the operating system seeds.
func NewClient(p *Plan) *Client {
	return newClient(p, secret.NewFromSystem(p.params), sample.NewSeed())
}

func newClient(p *Plan, secret *rlwe.SecretKey, seed sample.Seed) *Client {
	c := &Client{client: &client{plan: p, keys: &keys{secret: secret}, seeds: sample.NewStream(seed)}}
	for i, s := range p.params.RingQ().SubRings {
		key, negative, m := make([]uint64, s.N), make([]uint64, s.N), p.moduli[i]
		s.IMForm(secret.Value.Q.Coeffs[i], key)
		m.Scale(negative, key, m.Factor(m.Q-1)) // below q where the key is 0, too
		c.key = append(c.key, m.Fixed(key))
		c.negative = append(c.negative, m.Fixed(negative))
	}
	for range p.workers {
		n := p.Slots()
		w := &clientWorker{
			stream: sample.NewStream(sample.Seed{}),
			slots:  make([]uint64, n), errors: make([]int64, n),
			message: make([]uint64, n), mask: make([]uint64, n),
		}
		w.stream.Close() // until it is reset
		for range p.layout.outLevel() {
			w.phase = append(w.phase, make([]uint64, n))
		}
		c.workers = append(c.workers, w)
	}
	return c
}

// Encrypt fills in with the encryptions of a batch of samples for one plaintext
// prime: ciphertext i holds input element i of every sample, sample k in slot k,
// and zeros in the slots past the last sample. progress is as in Server.Evaluate.
// On error in is undefined.
func (c *Client) Encrypt(ctx context.Context, samples []bundle.Sample, prime int, in *Inputs, progress func(nanoseconds float64)) error {
	p := c.plan
	if len(samples) > p.Slots() {
		return fmt.Errorf("bgv: %d samples for a batch of %d", len(samples), p.Slots())
	}
	if err := p.program.Input.CheckSamples(samples); err != nil {
		return fmt.Errorf("bgv: %w", err)
	}
	in.Prime = prime
	in.reset(p.Slots(), p.inputs(), 1, len(p.layout.q))
	t := p.layout.t[prime]
	// A seed a ciphertext, so that the workers' order doesn't matter.
	seeds := make([]sample.Seed, p.inputs())
	for i := range seeds {
		seeds[i] = c.seeds.Seed()
	}
	defer c.forget(seeds)
	return parallel.Run(ctx, p.workers, p.inputs(), func(w, i int) error {
		worker := c.workers[w]
		for k, s := range samples {
			worker.slots[k] = residue(int64(s[i]), t)
		}
		clear(worker.slots[len(samples):])
		worker.stream.Reset(seeds[i])
		c.encrypt(worker, prime, &in.tensor, i)
		return nil
	}, func() { meter.Report(progress, p.costs.encrypt) })
}

// forget clears what encryption drew from seeds, and the samples' residues.
func (c *Client) forget(seeds []sample.Seed) {
	clear(seeds)
	for _, w := range c.workers {
		w.stream.Close()
		clear(w.slots)
		clear(w.errors)
		clear(w.message)
	}
}

// encrypt puts the encryption of w.slots into element i:
//
//	c_1 uniform,   c_0 = -c_1 s + e + T^-1 m,   m = INTT(slots)
//
// with m centred: one less in e where m is above t/2, as T^-1 t = 1. The slots
// are in the order of the number theoretic transform modulo t: with no rotations,
// no other order means anything.
func (c *Client) encrypt(w *clientWorker, prime int, to *tensor, i int) {
	p := c.plan
	t, m := p.layout.t[prime], w.slots
	p.slots[prime].Inverse(m)
	w.stream.Gaussian(p.level, w.errors, w.message)
	for k, v := range m {
		_, above := bits.Sub64(t/2, v, 0)
		w.errors[k] -= int64(above)
	}
	for limb, q := range p.moduli {
		x, a := w.message, w.mask
		q.Embed(x, m, w.errors, q.Factor(q.Inverse(t)))
		p.transforms[limb].Forward(x)
		w.stream.Uniform(a, q.Q)
		to.scatter(a, limb, i, 1)
		q.MulAdd(x, a, c.negative[limb], x)
		to.scatter(x, limb, i, 0)
	}
}
