package lstm

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
//	inputs           seed of the masks; step by step the bodies of all ciphertexts
//	outputs          body and mask of the one ciphertext
//
// How many there are, and modulo which primes, follows from the client half.

// WriteSecretKey implements he.Client.
func (c *Client) WriteSecretKey(w io.Writer) error {
	return secret.Write(w, secret.Coefficients(c.half.params.Parameters, c.secret), c.pair, c.id)
}

// ReadClient is the client with the secret key that WriteSecretKey wrote for the same
// client half.
func ReadClient(s *he.ClientSpec, r io.Reader) (he.Client, error) {
	return clientOf(s, func(h *half, pair [32]byte) (*rlwe.SecretKey, wire.KeyID, error) { return readSecretKey(h, pair, r) })
}

func readSecretKey(h *half, pair [32]byte, r io.Reader) (*rlwe.SecretKey, wire.KeyID, error) {
	b, id, err := secret.Read(r, h.params.N(), pair)
	if err != nil {
		return nil, wire.KeyID{}, fmt.Errorf("lstm: %w", err)
	}
	defer clear(b)
	key, err := secret.Key(h.params.Parameters, b)
	if err != nil {
		return nil, wire.KeyID{}, fmt.Errorf("lstm: %w", err)
	}
	return key, id, nil
}

// WriteEvaluationKeys implements he.Client.
func (c *Client) WriteEvaluationKeys(ctx context.Context, w io.Writer, step func(he.Step)) error {
	h := c.half
	needs := h.needs()
	out := wire.Create(w, wire.Object{Kind: wire.EvaluationKeys, Spec: c.pair, Key: c.id, Length: h.sizes().Keys})
	count := meter.Counter(step, "keygen", needs.Count())
	if err := keyset.Write(ctx, out, runtime.GOMAXPROCS(0), h.params.Parameters, needs, c.secret, sample.NewSeed(), count); err != nil {
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
		return nil, fmt.Errorf("lstm: %w", err)
	}
	k := &EvaluationKeys{s.pair, in.Object().Key, keyset.Read(in, s.half.params.Parameters, s.half.needs())}
	if err := in.End(); err != nil {
		return nil, err
	}
	return k, nil
}

// Encrypt implements he.Client.
func (c *Client) Encrypt(ctx context.Context, sequences []bundle.Sample, m wire.Message, w io.Writer, step func(he.Step)) error {
	if int64(len(sequences)) != int64(m.Samples) {
		return fmt.Errorf("lstm: a message of %d sequences, said to be %d", len(sequences), m.Samples)
	}
	in, err := c.encrypt(ctx, &c.spec.Input, sequences)
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
	for _, cts := range in.steps {
		for _, ct := range cts {
			ct[:1].Write(out)
		}
	}
	_, err := out.End()
	return err
}

// readInputs reads the payload of inputs, to its end, and makes the masks.
func readInputs(in *wire.Reader, h *half, pair [32]byte) (*Inputs, error) {
	all := &Inputs{pair: pair, id: in.Object().Key, seed: [32]byte(in.Bytes(32))}
	for t := range h.Steps {
		all.steps = append(all.steps, engine.ReadCiphertexts(in, h.chunks(), 1, h.LogN, h.Q[:h.limbs(t)]))
	}
	if err := in.End(); err != nil {
		return nil, err
	}
	chunks := h.chunks()
	parallel.Each(runtime.GOMAXPROCS(0), h.Steps*chunks, func(i int) {
		t, k := i/chunks, i%chunks
		ct := &all.steps[t][k]
		*ct = append(*ct, secret.Mask(inputSeed(all.seed, i), h.params.N(), h.Q[:h.limbs(t)]))
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
		return nil, fmt.Errorf("lstm: evaluation keys of type %T", keys)
	}
	if err := in.ExpectMessage(wire.Object{Kind: wire.Inputs, Spec: s.pair, Key: k.id, Length: h.sizes().Inputs}, h.slots()); err != nil {
		return nil, fmt.Errorf("lstm: %w", err)
	}
	inputs, err := readInputs(in, h, s.pair)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, out io.Writer, step func(he.Step)) error {
		outputs, err := s.evaluate(ctx, inputs, k, meter.Counter(step, "evaluate", s.plan.operations()))
		if err != nil {
			return err
		}
		return outputs.write(out, h, o.Message)
	}, nil
}

func (out *Outputs) write(w io.Writer, h *half, m wire.Message) error {
	to := wire.Create(w, wire.Object{Kind: wire.Outputs, Spec: out.pair, Key: out.id, Message: m, Length: h.sizes().Outputs})
	out.logits.Write(to)
	_, err := to.End()
	return err
}

// Decrypt implements he.Client: reals come rounded, or flooded; see he.Approximate.Rounded
// and Flooded.
func (c *Client) Decrypt(ctx context.Context, out *wire.Reader, step func(he.Step)) (*he.Decrypted, error) {
	a, err := c.UnsafeDecrypt(ctx, out, step)
	if err != nil {
		return nil, err
	}
	if c.flood > 0 {
		return &he.Decrypted{Answers: a.Flooded(&c.spec.Output, c.flood)}, nil
	}
	return &he.Decrypted{Answers: a.Rounded(&c.spec.Output)}, nil
}

// UnsafeDecrypt is Decrypt without rounding and without noise. Reals then carry the errors of the
// ciphertexts, from which the secret key can be found by whoever sees enough of them:
// they are for the owner of the secret key alone.
//
// Reference: Li and Micciancio, "On the Security of Homomorphic Encryption on
// Approximate Numbers", EUROCRYPT 2021.
func (c *Client) UnsafeDecrypt(ctx context.Context, out *wire.Reader, step func(he.Step)) (he.Approximate, error) {
	none, h := he.Approximate{}, c.half
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if err := out.ExpectMessage(wire.Object{Kind: wire.Outputs, Spec: c.pair, Key: c.id, Length: h.sizes().Outputs}, h.slots()); err != nil {
		return none, fmt.Errorf("lstm: %w", err)
	}
	all := engine.ReadCiphertexts(out, 1, 2, h.LogN, h.Q[:1])
	if err := out.End(); err != nil {
		return none, err
	}
	a, err := c.decrypt(&Outputs{c.pair, c.id, all[0]}, int(out.Object().Message.Samples))
	if err != nil {
		return none, err
	}
	if step != nil {
		step(he.Step{Phase: "decrypt", Done: 1, Total: 1})
	}
	return a, nil
}
