package packed

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/packed/keyset"
	"qtool/he/wire"
	"qtool/internal/parallel"
)

// The payloads of objects, limbs in 8 bytes a residue:
//
//	secret key       a coefficient plus one, a byte each
//	evaluation keys  seed of the masks; the bodies of all keys, see keyset.Write
//	inputs           seed of the masks; of every plaintext prime and view the body
//	outputs          of every plaintext prime and ciphertext body and mask
//
// How many there are, and modulo which primes, follows from the client half.

// WriteSecretKey implements he.Client.
func (c *Client) WriteSecretKey(w io.Writer) error {
	return secret.Write(w, secret.Coefficients(c.half.params, c.secret), c.pair, c.id)
}

// ReadClient is the client with the secret key that WriteSecretKey wrote for the same
// client half.
func ReadClient(s *he.ClientSpec, r io.Reader) (he.Client, error) {
	return role(clientOf(s, func(h *half, pair [32]byte) (*rlwe.SecretKey, wire.KeyID, error) { return readSecretKey(h, pair, r) }))
}

func readSecretKey(h *half, pair [32]byte, r io.Reader) (*rlwe.SecretKey, wire.KeyID, error) {
	b, id, err := secret.Read(r, h.params.N(), pair)
	if err != nil {
		return nil, wire.KeyID{}, fmt.Errorf("packed: %w", err)
	}
	defer clear(b)
	key, err := secret.Key(h.params, b)
	if err != nil {
		return nil, wire.KeyID{}, fmt.Errorf("packed: %w", err)
	}
	return key, id, nil
}

// WriteEvaluationKeys implements he.Client.
func (c *Client) WriteEvaluationKeys(ctx context.Context, w io.Writer, step func(he.Step)) error {
	h := c.half
	out := wire.Create(w, wire.Object{Kind: wire.EvaluationKeys, Spec: c.pair, Key: c.id, Length: h.sizes().Keys})
	count := meter.Counter(step, "keygen", h.needs.Count())
	if err := keyset.Write(ctx, out, runtime.GOMAXPROCS(0), h.params, h.needs, c.secret, sample.NewSeed(), count); err != nil {
		return err
	}
	_, err := out.End()
	return err
}

// ReadKeys implements he.Server.
func (s *Server) ReadKeys(ctx context.Context, r io.Reader) (he.Keys, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := wire.OpenWanted(r, wire.Object{Kind: wire.EvaluationKeys, Spec: s.pair, Length: s.half.sizes().Keys})
	if err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	k := &EvaluationKeys{s.pair, in.Object().Key, keyset.Read(in, s.half.params, s.half.needs)}
	if err := in.End(); err != nil {
		return nil, err
	}
	return k, nil
}

// Encrypt implements he.Client, with one sample a message.
func (c *Client) Encrypt(ctx context.Context, samples []bundle.Sample, m wire.Message, w io.Writer, step func(he.Step)) error {
	if len(samples) != 1 || m.Samples != 1 {
		return fmt.Errorf("packed: a message of %d samples, said to be %d, want one", len(samples), m.Samples)
	}
	in, err := c.encrypt(ctx, &c.spec.Input, samples[0])
	if err != nil {
		return err
	}
	if err := in.write(w, c.half, m); err != nil {
		return err
	}
	if step != nil {
		step(he.Step{Phase: "encrypt", Done: 1, Total: 1})
	}
	return nil
}

func (in *Inputs) write(w io.Writer, h *half, m wire.Message) error {
	out := wire.Create(w, wire.Object{Kind: wire.Inputs, Spec: in.pair, Key: in.id, Message: m, Length: h.sizes().Inputs})
	out.Bytes(in.seed[:])
	for _, list := range in.cts {
		for _, ct := range list {
			ct[:1].Write(out)
		}
	}
	_, err := out.End()
	return err
}

// readInputs reads the payload of inputs, to its end, and makes the masks.
func readInputs(in *wire.Reader, h *half, pair [32]byte) (*Inputs, error) {
	all := &Inputs{pair: pair, id: in.Object().Key, seed: [32]byte(in.Bytes(32))}
	views := len(h.views)
	for range h.primes() {
		all.cts = append(all.cts, engine.ReadCiphertexts(in, views, 1, h.LogN, h.Q))
	}
	if err := in.End(); err != nil {
		return nil, err
	}
	parallel.Each(runtime.GOMAXPROCS(0), h.primes()*views, func(i int) {
		ct := &all.cts[i/views][i%views]
		*ct = append(*ct, secret.Mask(inputSeed(all.seed, i), h.params.N(), h.Q))
	})
	return all, nil
}

// Evaluate implements he.Server.
func (s *Server) Evaluate(ctx context.Context, keys he.Keys, in *wire.Reader, out io.Writer, step func(he.Step)) error {
	p, err := s.Prepare(ctx, keys, in)
	if err != nil {
		return err
	}
	return p(ctx, out, step)
}

var _ he.Preparer = (*Server)(nil)

// Prepare implements he.Preparer.
func (s *Server) Prepare(_ context.Context, keys he.Keys, in *wire.Reader) (he.Prepared, error) {
	o, h := in.Object(), s.half
	k, ok := keys.(*EvaluationKeys)
	if !ok || k == nil {
		return nil, fmt.Errorf("packed: evaluation keys of type %T", keys)
	}
	if err := in.ExpectMessage(wire.Object{Kind: wire.Inputs, Spec: s.pair, Key: k.id, Length: h.sizes().Inputs}, 1); err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	inputs, err := readInputs(in, h, s.pair)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, out io.Writer, step func(he.Step)) error {
		outputs, err := s.evaluate(ctx, inputs, k, nil, meter.Counter(step, "evaluate", s.ops()))
		if err != nil {
			return err
		}
		return outputs.write(out, h, o.Message)
	}, nil
}

func (out *Outputs) write(w io.Writer, h *half, m wire.Message) error {
	to := wire.Create(w, wire.Object{Kind: wire.Outputs, Spec: out.pair, Key: out.id, Message: m, Length: h.sizes().Outputs})
	for _, list := range out.cts {
		for _, ct := range list {
			ct.Write(to)
		}
	}
	_, err := to.End()
	return err
}

// readOutputs reads the payload of outputs, to its end.
func readOutputs(out *wire.Reader, h *half, pair [32]byte) (*Outputs, error) {
	all := &Outputs{pair: pair, id: out.Object().Key}
	for range h.primes() {
		all.cts = append(all.cts, engine.ReadCiphertexts(out, h.Ciphertexts, 2, h.LogN, h.Q[:h.Limbs]))
	}
	if err := out.End(); err != nil {
		return nil, err
	}
	return all, nil
}

// Decrypt implements he.Client: reals come rounded, or flooded; see he.Approximate.Rounded
// and Flooded.
func (c *Client) Decrypt(ctx context.Context, out *wire.Reader, step func(he.Step)) (*he.Decrypted, error) {
	d, err := c.UnsafeDecrypt(ctx, out, step)
	if err != nil {
		return nil, err
	}
	if a, ok := d.Answers.(he.Approximate); ok {
		if c.flood > 0 {
			d.Answers = a.Flooded(&c.spec.Output, c.flood)
		} else {
			d.Answers = a.Rounded(&c.spec.Output)
		}
	}
	return d, nil
}

// UnsafeDecrypt is Decrypt without rounding and without noise. Reals then carry the errors of the
// ciphertexts, from which the secret key can be found by whoever sees enough of them:
// they are for the owner of the secret key alone.
//
// Reference: Li and Micciancio, "On the Security of Homomorphic Encryption on
// Approximate Numbers", EUROCRYPT 2021.
func (c *Client) UnsafeDecrypt(ctx context.Context, out *wire.Reader, step func(he.Step)) (*he.Decrypted, error) {
	h := c.half
	if err := out.ExpectMessage(wire.Object{Kind: wire.Outputs, Spec: c.pair, Key: c.id, Length: h.sizes().Outputs}, 1); err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	all, err := readOutputs(out, h, c.pair)
	if err != nil {
		return nil, err
	}
	d, err := c.decrypt(ctx, &c.spec.Output, all)
	if err != nil {
		return nil, err
	}
	if step != nil {
		step(he.Step{Phase: "decrypt", Done: 1, Total: 1})
	}
	return d, nil
}
