package bgvlut

import (
	"context"
	"fmt"
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/guard"
	"qtool/he/internal/meter"
	"qtool/he/internal/rns"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/wire"
	"qtool/internal/parallel"
	"qtool/kernel/cpu"
	"qtool/kernel/mod"
)

// Client owns the secret key: it makes the relinearisation key, encrypts samples
// and decrypts logits. It is safe for concurrent use, and spreads the work of a call over
// goroutines itself.
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
	secret   *rlwe.SecretKey
	negative []mod.Fixed // -s modulo the primes of the chain, transform domain
}

// clientWorker is what one goroutine encrypts and decrypts with.
type clientWorker struct {
	slots   ring.Poly // modulo T
	phase   ring.Poly // modulo the chain
	message []uint64
	mask    []uint64
	errors  []int64
	stream  *sample.Stream
}

// generate is a client with a new secret key, uniform ternary, from the operating
// system's randomness.
func generate(h *half) *Client {
	return newClient(h, wire.NewKeyID(), secret.NewFromSystem(h.ring.Parameters()))
}

func newClient(h *half, id wire.KeyID, secret *rlwe.SecretKey) *Client {
	c := &Client{client: &client{half: h, id: id, keys: &keys{secret: secret}}}
	limbs := h.ring.Secret(secret)
	for i := range h.Q {
		m := h.ring.Modulus(i)
		m.Scale(limbs[i], limbs[i], m.Factor(m.Q-1))
		c.negative = append(c.negative, m.Fixed(limbs[i]))
	}
	for _, limb := range limbs[len(h.Q):] {
		clear(limb)
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
		w := &clientWorker{
			slots: c.slots.NewPoly(), phase: c.ring.Parameters().RingQ().NewPoly(), message: make([]uint64, c.N()),
			mask: make([]uint64, c.N()), errors: make([]int64, c.N()), stream: sample.NewStream(sample.Seed{}),
		}
		w.stream.Close() // until it is reset
		all = append(all, w)
	}
	return all
}

func (c *client) give(all []*clientWorker) {
	for _, w := range all {
		w.stream.Close()
		clear(w.slots.Coeffs[0])
		clear(w.message)
		clear(w.errors)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, all...)
}

// evaluationKeys makes the server's keys, with the masks of a seed.
func (c *client) evaluationKeys(masks sample.Seed) switchingKeys {
	k := switchingKeys{relinearise: c.ring.NewSwitchingKey(rns.Square, c.secret, c.digits, masks)}
	if len(c.swap) > 0 {
		k.swap = c.ring.NewSwitchingKey(rns.Conjugate, c.secret, c.swap, masks)
	}
	return k
}

// seeds are what a message is encrypted with: masks is public, and errors, which is
// independent of it, secret. Every ciphertext has a stream of its own of each, so that the
// workers' order doesn't matter.
type seeds struct{ masks, errors sample.Seed }

// newSeeds draws both from the operating system.
func newSeeds() *seeds { return &seeds{sample.NewSeed(), sample.NewSeed()} }

// maskSeed is the seed of c_1 of input i: its limbs, one after the other, are the stream's
// uniform residues.
func maskSeed(masks sample.Seed, i int) sample.Seed {
	return sample.Derived(masks, "bgvlut masks", uint64(i))
}

// encryptBatch fills in with the encryptions of a batch of samples: ciphertext i holds
// input element i of every sample, sample k in slot k and, in plans of two copies, in slot
// N-1-k, and zeros in all other slots. progress is as in evaluator.evaluate. On error in is undefined.
func (c *client) encryptBatch(ctx context.Context, samples []bundle.Sample, s *seeds, in *ciphertexts, progress func(nanoseconds float64)) error {
	if err := c.checkSamples(samples); err != nil {
		return err
	}
	for len(*in) < c.inputs {
		*in = append(*in, newPool(c.N()).ciphertext(len(c.Q)))
	}
	workers := c.take()
	defer c.give(workers)
	return parallel.Run(ctx, c.workers, c.inputs, func(w, i int) error {
		c.encrypt(workers[w], samples, s, i, func(limb, p int, x []uint64) { copy((*in)[i][p][limb], x) })
		return nil
	}, func() { meter.Report(progress, c.encryptCost) })
}

func (c *client) checkSamples(samples []bundle.Sample) error {
	if len(samples) > c.Slots() {
		return fmt.Errorf("bgvlut: %d samples for a batch of %d", len(samples), c.Slots())
	}
	if err := c.input.CheckSamples(samples); err != nil {
		return fmt.Errorf("bgvlut: %w", err)
	}
	return nil
}

// encrypt encrypts input element i of the samples and gives put every limb of c_1 and c_0:
//
//	c_1 uniform,   c_0 = -c_1 s + e + T^-1 m,   m = INTT(slots)
//
// The slots are in the order of the number theoretic transform modulo T: with no
// rotations, no other order means anything.
func (c *client) encrypt(w *clientWorker, samples []bundle.Sample, s *seeds, i int, put func(limb, p int, x []uint64)) {
	t, slots := c.T, w.slots.Coeffs[0]
	clear(slots[len(samples):])
	for k, x := range samples {
		slots[k] = field(t).of(int64(x[i]))
		if c.Copies > 1 {
			slots[len(slots)-1-k] = slots[k]
		}
	}
	c.slots.INTT(w.slots, w.slots)
	w.stream.Reset(sample.Derived(s.errors, "bgvlut errors", uint64(i)))
	w.stream.Gaussian(cpu.Active, w.errors, w.message)
	w.stream.Reset(maskSeed(s.masks, i))
	for limb := range c.Q {
		m := c.ring.Modulus(limb)
		for k, v := range slots {
			if v > t/2 { // the centred residue v - T
				v += m.Q - t
			}
			w.message[k] = v
		}
		m.Embed(w.message, w.message, w.errors, m.Factor(m.Inverse(t)))
		c.ring.Transform(limb).Forward(w.message)
		w.stream.Uniform(w.mask, m.Q)
		put(limb, 1, w.mask)
		m.MulAdd(w.message, w.mask, c.negative[limb], w.message)
		put(limb, 0, w.message)
	}
}
