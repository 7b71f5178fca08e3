package bgv

import (
	"context"
	"fmt"
	"math/bits"
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/guard"
	"qtool/he/internal/meter"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/wire"
	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// Client owns the secret key: it encrypts samples and decrypts logits. It is safe for
// concurrent use, and spreads the work of a call over goroutines itself.
type Client struct {
	guard.Secret[Client]
	*client
}

// client is what a Client holds.
type client struct {
	*half
	spec *he.ClientSpec // nil in an executor, as hash is zero
	hash [32]byte
	id   wire.KeyID
	*keys

	mu   sync.Mutex
	idle []*clientWorker
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

// generate is a client with a new secret key, uniform ternary, from the operating
// system's randomness.
func generate(h *half) *Client {
	return newClient(h, wire.NewKeyID(), secret.NewFromSystem(h.params))
}

func newClient(h *half, id wire.KeyID, secret *rlwe.SecretKey) *Client {
	c := &Client{client: &client{half: h, id: id, keys: &keys{secret: secret}}}
	for i, s := range h.params.RingQ().SubRings {
		key, negative, m := make([]uint64, s.N), make([]uint64, s.N), h.moduli[i]
		s.IMForm(secret.Value.Q.Coeffs[i], key)
		m.Scale(negative, key, m.Factor(m.Q-1)) // below q where the key is 0, too
		c.key = append(c.key, m.Fixed(key))
		c.negative = append(c.negative, m.Fixed(negative))
	}
	return c
}

// take gives a call its workers, and give takes them back: with nothing in them of what
// the call drew or of its samples.
func (c *client) take() []*clientWorker {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := max(0, len(c.idle)-c.workers)
	all := append([]*clientWorker(nil), c.idle[n:]...)
	c.idle = c.idle[:n]
	for len(all) < c.workers {
		all = append(all, c.newWorker())
	}
	return all
}

func (c *client) give(all []*clientWorker) {
	for _, w := range all {
		w.stream.Close()
		clear(w.slots)
		clear(w.errors)
		clear(w.message)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, all...)
}

func (c *client) newWorker() *clientWorker {
	n := c.Slots()
	w := &clientWorker{
		stream: sample.NewStream(sample.Seed{}),
		slots:  make([]uint64, n), errors: make([]int64, n),
		message: make([]uint64, n), mask: make([]uint64, n),
	}
	w.stream.Close() // until it is reset
	for range c.OutputPrimes {
		w.phase = append(w.phase, make([]uint64, n))
	}
	return w
}

// seeds are what a message is encrypted with: masks is public, and errors, which is
// independent of it, secret. Every ciphertext has a stream of its own of each, so that the
// workers' order doesn't matter.
type seeds struct{ masks, errors sample.Seed }

// newSeeds draws both from the operating system.
func newSeeds() *seeds { return &seeds{sample.NewSeed(), sample.NewSeed()} }

// maskSeed is the seed of c_1 of input i for one plaintext prime: its limbs, one after the
// other, are the stream's uniform residues.
func (h *half) maskSeed(masks sample.Seed, prime, i int) sample.Seed {
	return sample.Derived(masks, "bgv masks", uint64(prime*h.inputs+i))
}

// encryptBatch fills in with the encryptions of a batch of samples for one plaintext
// prime: ciphertext i holds input element i of every sample, sample k in slot k,
// and zeros in the slots past the last sample. progress is as in evaluator.evaluate.
// On error in is undefined.
func (c *client) encryptBatch(ctx context.Context, samples []bundle.Sample, prime int, s *seeds, in *ciphertexts, progress func(nanoseconds float64)) error {
	if err := c.checkSamples(samples); err != nil {
		return err
	}
	in.prime = prime
	in.reset(c.Slots(), c.inputs, 1, len(c.Q))
	workers := c.take()
	defer c.give(workers)
	return parallel.Run(ctx, c.workers, c.inputs, func(w, i int) error {
		c.encrypt(workers[w], samples, s, prime, i, func(limb, p int, x []uint64) { in.scatter(x, limb, i, p) })
		return nil
	}, func() { meter.Report(progress, c.encryptCost) })
}

func (c *client) checkSamples(samples []bundle.Sample) error {
	if len(samples) > c.Slots() {
		return fmt.Errorf("bgv: %d samples for a batch of %d", len(samples), c.Slots())
	}
	if err := c.input.CheckSamples(samples); err != nil {
		return fmt.Errorf("bgv: %w", err)
	}
	return nil
}

// encrypt encrypts input element i of the samples and gives put every limb of c_1 and c_0:
//
//	c_1 uniform,   c_0 = -c_1 s + e + T^-1 m,   m = INTT(slots)
//
// with m centred: one less in e where m is above t/2, as T^-1 t = 1. The slots
// are in the order of the number theoretic transform modulo t: with no rotations,
// no other order means anything.
func (c *client) encrypt(w *clientWorker, samples []bundle.Sample, s *seeds, prime, i int, put func(limb, p int, x []uint64)) {
	t, m := c.T[prime], w.slots
	for k, x := range samples {
		m[k] = residue(int64(x[i]), t)
	}
	clear(m[len(samples):])
	c.slots[prime].Inverse(m)
	w.stream.Reset(sample.Derived(s.errors, "bgv errors", uint64(prime*c.inputs+i)))
	w.stream.Gaussian(c.level, w.errors, w.message)
	for k, v := range m {
		_, above := bits.Sub64(t/2, v, 0)
		w.errors[k] -= int64(above)
	}
	w.stream.Reset(c.maskSeed(s.masks, prime, i))
	for limb, q := range c.moduli {
		x, a := w.message, w.mask
		q.Embed(x, m, w.errors, q.Factor(q.Inverse(t)))
		c.transforms[limb].Forward(x)
		w.stream.Uniform(a, q.Q)
		put(limb, 1, a)
		q.MulAdd(x, a, c.negative[limb], x)
		put(limb, 0, x)
	}
}
