package bgvlut

import (
	"context"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/bundle"
	"qtool/he/internal/guard"
	"qtool/he/internal/meter"
	"qtool/he/internal/sample"
	"qtool/internal/parallel"
	"qtool/kernel/cpu"
	"qtool/kernel/mod"
)

// Client owns the secret key: it makes the relinearisation key, encrypts samples
// and decrypts logits. It is not safe for concurrent use; it spreads its work
// over the plan's workers itself.
type Client struct {
	guard.Secret[Client]
	*client
}

// client is what a Client holds.
type client struct {
	plan   *Plan
	secret *SecretKey
	*negative
	workers []*clientWorker
}

// negative is the negated secret, two pointers away from a Client; see
// guard.Secret.
type negative struct{ limbs []mod.Fixed } // transform domain

// clientWorker is what one goroutine encrypts and decrypts with.
type clientWorker struct {
	slots   ring.Poly // modulo T
	phase   ring.Poly // modulo the chain
	message []uint64
	errors  []int64
	stream  *sample.Stream
}

// NewClient makes a client with a new secret key.
func NewClient(p *Plan) *Client { return newClient(p, p.NewSecretKey(), sample.NewSeed()) }

// NewClientWithKey makes a client with a key it had before. What encryption draws
// comes from streams that the operating system seeds. It returns a *KeyError if the
// key has other parameters than the plan.
func NewClientWithKey(p *Plan, k *SecretKey) (*Client, error) {
	if want := p.parameters(); k.params != want {
		return nil, &KeyError{What: "secret key", got: k.params, want: want}
	}
	return newClient(p, k, sample.NewSeed()), nil
}

func newClient(p *Plan, secret *SecretKey, seed sample.Seed) *Client {
	c := &Client{client: &client{plan: p, secret: secret, negative: &negative{}}}
	for i, limb := range p.ring.Secret(secret.key)[:p.ring.Levels()] {
		m := p.ring.Modulus(i)
		m.Scale(limb, limb, m.Factor(m.Q-1))
		c.limbs = append(c.limbs, m.Fixed(limb))
	}
	seeds := sample.NewStream(seed)
	for range p.workers {
		c.workers = append(c.workers, &clientWorker{
			slots:   p.slots.NewPoly(),
			phase:   p.ring.Parameters().RingQ().NewPoly(),
			message: make([]uint64, p.Slots()),
			errors:  make([]int64, p.Slots()),
			stream:  sample.NewStream(seeds.Seed()),
		})
	}
	return c
}

// EvaluationKeys makes the server's evaluation keys, of which there is one: the
// relinearisation key.
func (c *Client) EvaluationKeys() *EvaluationKeys {
	key := c.plan.ring.NewRelinearizationKey(c.secret.key, c.plan.digits)
	return &EvaluationKeys{c.secret.params, c.secret.id, key}
}

// Encrypt fills in with the encryptions of a batch of samples: ciphertext i holds
// input element i of every sample, sample k in slot k, and zeros in the slots past
// the last sample. progress is as in Server.Evaluate. On error in is undefined.
func (c *Client) Encrypt(ctx context.Context, samples []bundle.Sample, in *Inputs, progress func(nanoseconds float64)) error {
	p := c.plan
	if len(samples) > p.Slots() {
		return fmt.Errorf("bgvlut: %d samples for a batch of %d", len(samples), p.Slots())
	}
	if err := p.program.Input.CheckSamples(samples); err != nil {
		return fmt.Errorf("bgvlut: %w", err)
	}
	in.origin = p.origin(c.secret.id)
	for len(in.all) < p.inputs() {
		in.all = append(in.all, newPool(p.Slots()).ciphertext(p.ring.Levels()))
	}
	t := field(p.layout.t)
	defer c.forget()
	return parallel.Run(ctx, p.workers, p.inputs(), func(w, i int) error {
		slots := c.workers[w].slots.Coeffs[0]
		for k, s := range samples {
			slots[k] = t.of(int64(s[i]))
		}
		clear(slots[len(samples):])
		c.encrypt(c.workers[w], &in.all[i])
		return nil
	}, func() { meter.Report(progress, p.costs.encrypt) })
}

// forget clears what encryption drew, and the samples' residues.
func (c *Client) forget() {
	for _, w := range c.workers {
		clear(w.slots.Coeffs[0])
		clear(w.message)
		clear(w.errors)
	}
}

// encrypt puts the encryption of w.slots into to:
//
//	c_1 uniform,   c_0 = -c_1 s + e + T^-1 m,   m = INTT(slots)
//
// The slots are in the order of the number theoretic transform modulo T: with no
// rotations, no other order means anything.
func (c *Client) encrypt(w *clientWorker, to *ciphertext) {
	r, t := c.plan.ring, c.plan.layout.t
	c.plan.slots.INTT(w.slots, w.slots)
	w.stream.Gaussian(cpu.Active, w.errors, w.message)
	for i := range r.Levels() {
		m := r.Modulus(i)
		for k, v := range w.slots.Coeffs[0] {
			if v > t/2 { // the centred residue v - T
				v += m.Q - t
			}
			w.message[k] = v
		}
		c0, c1 := to[0][i], to[1][i]
		m.Embed(c0, w.message, w.errors, m.Factor(m.Inverse(t)))
		r.Transform(i).Forward(c0)
		w.stream.Uniform(c1, m.Q)
		m.MulAdd(c0, c1, c.limbs[i], c0)
	}
}
