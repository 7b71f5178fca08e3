package bgvlut

import (
	"context"
	"fmt"
	"io"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/meter"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/wire"
	"qtool/internal/parallel"
)

// NewClient is a client of a client half with a new secret key.
func NewClient(s *he.ClientSpec) (he.Client, error) {
	x, err := readParameters(s)
	if err != nil {
		return nil, err
	}
	h, err := newHalf(x, s.Input, &s.Output, 0)
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
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	b, id, err := secret.Read(r, x.N(), hash)
	if err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	defer clear(b)
	h, err := newHalf(x, s.Input, &s.Output, 0)
	if err != nil {
		return nil, err
	}
	key, err := secret.Key(h.ring.Parameters(), b)
	if err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	return newClient(h, id, key).of(s)
}

// of makes c the client of a client half.
func (c *Client) of(s *he.ClientSpec) (he.Client, error) {
	var err error
	if c.hash, err = s.Hash(); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
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
	return secret.Write(w, secret.Coefficients(c.ring.Parameters(), c.secret), c.hash, c.id)
}

// WriteEvaluationKeys implements he.Client: the seed of all masks and the bodies of
// the relinearisation key and of what swaps halves, limb by limb.
func (c *Client) WriteEvaluationKeys(ctx context.Context, w io.Writer, step func(he.Step)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m := meter.New(step, 1)
	m.Phase("keygen")
	masks := sample.NewSeed()
	keys := c.evaluationKeys(masks)
	out := wire.Create(w, wire.Object{Kind: wire.EvaluationKeys, Spec: c.hash, Key: c.id, Length: c.sizes().Keys})
	out.Bytes(masks[:])
	for _, key := range keys.all() {
		for _, limb := range key.Bodies() {
			if err := ctx.Err(); err != nil {
				return err
			}
			out.Words64(limb)
		}
	}
	m.Reach(1)
	_, err := out.End()
	return err
}

// Encrypt implements he.Client: the seed of the masks and c_0 of every input, limb by limb.
// A few ciphertexts are in memory at once.
func (c *Client) Encrypt(ctx context.Context, samples []bundle.Sample, m wire.Message, w io.Writer, step func(he.Step)) error {
	if err := c.checkSamples(samples); err != nil {
		return err
	}
	if len(samples) == 0 || int(m.Samples) != len(samples) {
		return fmt.Errorf("bgvlut: %d samples for a message of %d", len(samples), m.Samples)
	}
	progress := meter.New(step, c.encryptCost*float64(c.inputs))
	progress.Phase("encrypt")
	s := newSeeds()
	out := wire.Create(w, wire.Object{Kind: wire.Inputs, Spec: c.hash, Key: c.id, Message: m, Length: c.sizes().Inputs})
	out.Bytes(s.masks[:])
	workers := c.take()
	defer c.give(workers)
	g := batch.NewGroups(c.workers, len(c.Q)*c.N())
	err := parallel.Alternate(g.Count(c.inputs), func(group int) error {
		from, n := g.Span(group, c.inputs)
		return parallel.Run(ctx, c.workers, n, func(w, k int) error {
			body := g.Polynomial(group, k)
			c.encrypt(workers[w], samples, s, from+k, func(limb, p int, x []uint64) {
				if p == 0 {
					copy(body[limb*len(x):], x)
				}
			})
			return nil
		}, func() { progress.Add(c.encryptCost) })
	}, func(group int) error {
		_, n := g.Span(group, c.inputs)
		for k := range n {
			out.Words64(g.Polynomial(group, k))
		}
		return out.Err()
	})
	if err != nil {
		return err
	}
	_, err = out.End()
	return err
}

// Decrypt implements he.Client: the answers are the program's integers. It returns a
// *batch.NoiseError where the noise came near its limit.
func (c *Client) Decrypt(ctx context.Context, in *wire.Reader, step func(he.Step)) (*he.Decrypted, error) {
	if err := in.ExpectMessage(wire.Object{Kind: wire.Outputs, Spec: c.hash, Key: c.id, Length: c.sizes().Outputs}, c.Slots()); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	progress := meter.New(step, c.decryptCost*float64(c.outputs))
	progress.Phase("decrypt")
	var out ciphertexts
	for range c.outputs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var one ciphertext
		for p := range one {
			for _, q := range c.Q[:c.OutputPrimes] {
				one[p] = append(one[p], in.NewWords64(c.N(), q))
			}
		}
		if in.Err() != nil {
			return nil, fmt.Errorf("bgvlut: %w", in.Err())
		}
		out = append(out, one)
	}
	if err := in.End(); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	residues, left, err := c.residues(ctx, out, progress.Add)
	if err != nil {
		return nil, err
	}
	logits, err := c.logits(ctx, residues, int(in.Object().Message.Samples))
	if err != nil {
		return nil, err
	}
	return &he.Decrypted{Answers: logits, Accounts: []he.Account{he.Noise{BitsLeft: left}}}, nil
}

// logits are the integers of so many samples.
func (c *client) logits(ctx context.Context, residues [][]uint64, samples int) (he.Exact, error) {
	logits := make(he.Exact, samples)
	err := parallel.Run(ctx, c.workers, samples, func(_, k int) (err error) {
		logits[k], err = c.vector(residues, k)
		return err
	}, nil)
	return logits, err
}
