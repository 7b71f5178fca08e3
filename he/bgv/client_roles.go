package bgv

import (
	"context"
	"fmt"
	"io"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/meter"
	"qtool/he/internal/secret"
	"qtool/he/wire"
	"qtool/internal/parallel"
	"qtool/kernel/cpu"
)

// NewClient is a client of a client half with a new secret key.
func NewClient(s *he.ClientSpec) (he.Client, error) {
	x, err := readParameters(s)
	if err != nil {
		return nil, err
	}
	h, err := newHalf(x, s.Input, &s.Output, 0, cpu.Active)
	if err != nil {
		return nil, err
	}
	return generate(h).of(s)
}

// ReadClient is a client of a client half with the secret key that WriteSecretKey wrote
// for it. The error wraps wire.ErrSpec for a key of another client half.
func ReadClient(s *he.ClientSpec, r io.Reader) (he.Client, error) {
	x, err := readParameters(s)
	if err != nil {
		return nil, err
	}
	hash, err := s.Hash()
	if err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	b, id, err := secret.Read(r, x.Slots(), hash)
	if err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	defer clear(b)
	h, err := newHalf(x, s.Input, &s.Output, 0, cpu.Active)
	if err != nil {
		return nil, err
	}
	key, err := secret.Key(h.params, b)
	if err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	return newClient(h, id, key).of(s)
}

// of makes c the client of a client half.
func (c *Client) of(s *he.ClientSpec) (he.Client, error) {
	var err error
	if c.hash, err = s.Hash(); err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	c.spec = s
	return c, nil
}

// Spec implements he.Client.
func (c *Client) Spec() *he.ClientSpec { return c.spec }

// KeyID implements he.Client.
func (c *Client) KeyID() wire.KeyID { return c.id }

// WriteSecretKey implements he.Client: N coefficients plus one, a byte each.
func (c *Client) WriteSecretKey(w io.Writer) error {
	return secret.Write(w, secret.Coefficients(c.params, c.secret), c.hash, c.id)
}

// WriteEvaluationKeys implements he.Client: nothing is rotated or relinearised, so that
// the object says which secret key it belongs to, and has no payload.
func (c *Client) WriteEvaluationKeys(ctx context.Context, w io.Writer, step func(he.Step)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m := meter.New(step, 1)
	m.Phase("keygen")
	_, err := wire.Create(w, wire.Object{Kind: wire.EvaluationKeys, Spec: c.hash, Key: c.id}).End()
	m.Reach(1)
	return err
}

// Encrypt implements he.Client: the seed of the masks and then, plaintext prime by
// plaintext prime and limb by limb from the last to the first, c_0 of every input. The
// plaintexts of one prime and a few polynomials are in memory at once.
func (c *Client) Encrypt(ctx context.Context, samples []bundle.Sample, m wire.Message, w io.Writer, step func(he.Step)) error {
	if err := c.checkSamples(samples); err != nil {
		return err
	}
	if len(samples) == 0 || int(m.Samples) != len(samples) {
		return fmt.Errorf("bgv: %d samples for a message of %d", len(samples), m.Samples)
	}
	progress := meter.New(step, c.encryptCost*float64(len(c.T)*c.inputs))
	progress.Phase("encrypt")
	s, d := newSeeds(), newMessages()
	defer d.clear()
	out := wire.Create(w, wire.Object{Kind: wire.Inputs, Spec: c.hash, Key: c.id, Message: m, Length: c.sizes().Inputs})
	out.Bytes(s.masks[:])
	for prime := range c.T {
		if err := c.draw(ctx, samples, prime, s, d, progress.Add); err != nil {
			return err
		}
		for limb := len(c.Q) - 1; limb >= 0; limb-- {
			if err := c.writeLimb(ctx, d, limb, out, progress.Add); err != nil {
				return err
			}
		}
	}
	_, err := out.End()
	return err
}

// writeLimb writes one limb of c_0 of every input.
func (c *client) writeLimb(ctx context.Context, d *messages, limb int, out *wire.Writer, progress func(float64)) error {
	workers := c.take()
	defer c.give(workers)
	g := batch.NewGroups(c.workers, c.Slots())
	inverse := c.inverse(d, limb)
	return parallel.Alternate(g.Count(c.inputs), func(group int) error {
		from, n := g.Span(group, c.inputs)
		return parallel.Run(ctx, c.workers, n, func(w, k int) error {
			c.encrypt(workers[w], d, from+k, limb, inverse, g.Polynomial(group, k), workers[w].mask)
			return nil
		}, func() { meter.Report(progress, c.encryptShare()) })
	}, func(group int) error {
		_, n := g.Span(group, c.inputs)
		for k := range n {
			out.Words64(g.Polynomial(group, k))
		}
		return out.Err()
	})
}

// Decrypt implements he.Client: the answers are the program's integers. It returns a
// *batch.NoiseError where the noise came near its limit.
func (c *Client) Decrypt(ctx context.Context, in *wire.Reader, step func(he.Step)) (*he.Decrypted, error) {
	if err := in.ExpectMessage(wire.Object{Kind: wire.Outputs, Spec: c.hash, Key: c.id, Length: c.sizes().Outputs}, c.Slots()); err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	progress := meter.New(step, c.decryptCost*float64(len(c.T)*c.outputs))
	progress.Phase("decrypt")
	residues, least := make([][][]uint64, len(c.T)), math.Inf(1)
	var out ciphertexts
	row := make([]uint64, c.Slots())
	for prime := range residues {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out.prime = prime
		out.reset(c.Slots(), c.outputs, c.OutputDegree, c.OutputPrimes)
		for i := range c.outputs {
			for p := range c.OutputDegree + 1 {
				for limb := range out.limbs {
					in.Words64(row, c.Q[limb])
					out.scatter(row, limb, i, p)
				}
			}
		}
		if in.Err() != nil {
			return nil, fmt.Errorf("bgv: %w", in.Err())
		}
		all, left, err := c.residues(ctx, &out, progress.Add)
		if err != nil {
			return nil, err
		}
		residues[prime], least = all, min(least, left)
	}
	if err := in.End(); err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	logits, err := c.logits(ctx, residues, int(in.Object().Message.Samples))
	if err != nil {
		return nil, err
	}
	return &he.Decrypted{Answers: logits, Accounts: []he.Account{he.Noise{BitsLeft: least}}}, nil
}

// logits lifts the residues of so many samples.
func (c *client) logits(ctx context.Context, residues [][][]uint64, samples int) (he.Exact, error) {
	logits, l := make(he.Exact, samples), c.newLifter()
	err := parallel.Run(ctx, c.workers, samples, func(_, k int) (err error) {
		logits[k], err = l.vector(residues, k)
		return err
	}, nil)
	return logits, err
}
