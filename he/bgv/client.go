package bgv

import (
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/wire"
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
	stream      *sample.Stream
	words       []uint64   // that errors are made of
	ciphertexts [][]uint64 // polynomials modulo a ciphertext prime
	mask        []uint64
	phase       [][]uint64 // of an output
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
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, all...)
}

func (c *client) newWorker() *clientWorker {
	n := c.Slots()
	w := &clientWorker{
		stream: sample.NewStream(sample.Seed{}),
		words:  make([]uint64, n), mask: make([]uint64, n),
	}
	w.stream.Close() // until it is reset
	for range c.OutputPrimes {
		w.phase = append(w.phase, make([]uint64, n))
	}
	return w
}
