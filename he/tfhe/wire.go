package tfhe

import (
	"context"
	"fmt"
	"io"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/internal/parallel"
)

// The payloads of objects, residues modulo Q in 8 bytes, words in 4:
//
//	secret key       a coefficient of S plus one, a byte each; a bit of s, a byte each
//	evaluation keys  seed of the masks; of every group of bits of s, pattern and row, the
//	                 body in the NTT domain and Montgomery form; of every coefficient of S, and every
//	                 level, the body modulo q
//	inputs           seed of the masks; of every N values the body
//	outputs          of every logit N mask words and a body: residues of a precise plan
//
// How many there are follows from the client half. Masks are made of the seed, see
// Parameters.mask and maskOf.

// WriteSecretKey implements he.Client.
func (c *Client) WriteSecretKey(w io.Writer) error {
	k := c.secret
	b := make([]byte, 0, len(k.bigKey)+len(k.smallKey))
	defer clear(b[:cap(b)])
	for _, x := range k.bigKey {
		b = append(b, uint8(x+1))
	}
	b = append(b, k.smallKey...)
	out := wire.Create(w, wire.Object{Kind: wire.SecretKey, Spec: c.pair, Key: k.id, Length: int64(len(b))})
	out.Bytes(b)
	_, err := out.End()
	return err
}

// ReadClient makes a client of a client half with the secret key that WriteSecretKey wrote
// for the same half.
func ReadClient(s *he.ClientSpec, r io.Reader) (he.Client, error) {
	return clientOf(s, func(h *half, pair [32]byte) (*SecretKey, error) {
		n, dimension := h.params.N(), h.params.Dimension
		in, err := wire.OpenWanted(r, wire.Object{Kind: wire.SecretKey, Spec: pair, Length: int64(n + dimension)})
		if err != nil {
			return nil, fmt.Errorf("tfhe: %w", err)
		}
		k := newSecretKey(h.params, in.Object().Key)
		b := in.NewBytes(n + dimension)
		defer clear(b)
		if err := in.End(); err != nil {
			return nil, fmt.Errorf("tfhe: %w", err)
		}
		for i, x := range b {
			switch {
			case i < n && x <= 2:
				k.bigKey[i] = int8(x) - 1
			case i >= n && x <= 1:
				k.smallKey[i-n] = x
			default:
				return nil, fmt.Errorf("tfhe: secret key is damaged at coefficient %d", i)
			}
		}
		k.prepare()
		return k, nil
	})
}

// WriteEvaluationKeys implements he.Client. A few pieces of the keys are in memory at a
// time.
func (c *Client) WriteEvaluationKeys(ctx context.Context, w io.Writer, step func(he.Step)) error {
	p := c.half.params
	e := newEvaluationKeys(p, c.pair, c.secret.id, sample.NewSeed())
	out := wire.Create(w, wire.Object{Kind: wire.EvaluationKeys, Spec: c.pair, Key: c.secret.id, Length: c.half.sizes().Keys})
	out.Bytes(e.seed[:])
	pieces, done, group := p.keyTasks(), 0, 4*workers()
	count := func() {
		if done++; step != nil {
			step(he.Step{Phase: "keygen", Done: done, Total: pieces})
		}
	}
	between := func(g int) (from, to int) { return g * group, min((g+1)*group, pieces) }
	err := parallel.Alternate((pieces+group-1)/group, func(g int) error {
		from, to := between(g)
		return e.fillAll(ctx, c.secret, workers(), from, to, count)
	}, func(g int) error {
		from, to := between(g)
		for i := from; i < to; i++ {
			e.writeBodies(out, i)
		}
		return out.Err()
	})
	if err != nil {
		return err
	}
	_, err = out.End()
	return err
}

// writeBodies writes the bodies of a piece and lets its words go.
func (e *EvaluationKeys) writeBodies(out *wire.Writer, piece int) {
	p := e.params
	if piece < p.groups() {
		for row := range p.rowsOf(piece) {
			out.Words64(e.row(piece, 0, row, 0))
		}
		e.rotation[piece] = nil
		return
	}
	share := piece - p.groups()
	bodies := make([]uint32, 0, shareOf*p.Switch.Levels)
	for i := share * shareOf; i < (share+1)*shareOf; i++ {
		for j := range p.Switch.Levels {
			bodies = append(bodies, e.switchRow(i, j)[p.Dimension])
		}
	}
	e.switching[share] = nil
	out.Words32(bodies)
}

// readBodies reads the bodies of a piece, for which it makes room once they have come.
func (e *EvaluationKeys) readBodies(in *wire.Reader, piece int) {
	p, n := e.params, e.params.N()
	if piece < p.groups() {
		if bodies := in.NewWords64(p.rowsOf(piece)*n, p.q); bodies != nil {
			e.rotation[piece] = make([]uint64, 2*len(bodies))
			for row := range p.rowsOf(piece) {
				copy(e.row(piece, 0, row, 0), bodies[row*n:(row+1)*n])
			}
		}
		return
	}
	share := piece - p.groups()
	bodies := in.NewWords32(shareOf*p.Switch.Levels, 1<<p.LogSmallQ-1)
	if bodies == nil {
		return
	}
	e.switching[share] = make([]uint32, len(bodies)*(p.Dimension+1))
	for i := range bodies {
		e.switchRow(share*shareOf+i/p.Switch.Levels, i%p.Switch.Levels)[p.Dimension] = bodies[i]
	}
}

// ReadKeys implements he.Server.
func (s *Server) ReadKeys(ctx context.Context, r io.Reader) (he.Keys, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := wire.OpenWanted(r, wire.Object{Kind: wire.EvaluationKeys, Spec: s.pair, Length: s.plan.half.sizes().Keys})
	if err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	p := s.plan.params
	e := newEvaluationKeys(p, s.pair, in.Object().Key, readSeed(in))
	for piece := range p.keyTasks() {
		if e.readBodies(in, piece); in.Err() != nil {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if err := in.End(); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	err = parallel.Run(ctx, s.plan.workers, p.keyTasks(), func(_, piece int) error {
		e.mask(piece)
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// readSeed reads a public seed.
func readSeed(in *wire.Reader) [sample.SeedSize]byte {
	return [sample.SeedSize]byte(in.Bytes(sample.SeedSize))
}

// Encrypt implements he.Client, for one sample.
func (c *Client) Encrypt(ctx context.Context, samples []bundle.Sample, m wire.Message, w io.Writer, step func(he.Step)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(samples) != 1 || m.Samples != 1 {
		return fmt.Errorf("tfhe: %d samples in a message of %d, want 1", len(samples), m.Samples)
	}
	in, err := c.encrypt(samples[0])
	if err != nil {
		return err
	}
	if err := in.write(w, m, c.half.sizes().Inputs); err != nil {
		return err
	}
	if step != nil {
		step(he.Step{Phase: "encrypt", Done: 1, Total: 1})
	}
	return nil
}

func (in *Input) write(w io.Writer, m wire.Message, length int64) error {
	out := wire.Create(w, wire.Object{Kind: wire.Inputs, Spec: in.pair, Key: in.id, Message: m, Length: length})
	out.Bytes(in.seed[:])
	for _, part := range in.parts {
		out.Words64(part[0])
	}
	_, err := out.End()
	return err
}

// readInput reads the payload of inputs of the half and the key that own names.
func (h *half) readInput(in *wire.Reader, own wire.Object) (*Input, error) {
	own.Kind, own.Length = wire.Inputs, h.sizes().Inputs
	if err := in.ExpectMessage(own, 1); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	x := &Input{pair: own.Spec, id: own.Key, seed: readSeed(in)}
	for range h.parts() {
		c0 := in.NewWords64(h.params.N(), h.params.q)
		if c0 == nil {
			break
		}
		x.parts = append(x.parts, [2][]uint64{c0, nil})
	}
	if err := in.End(); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	for k := range x.parts {
		x.parts[k][1] = make([]uint64, h.params.N())
		h.params.mask(x.parts[k][1], x.seed, k)
	}
	return x, nil
}

// Evaluate implements he.Server. It spreads its work over the plan's workers itself.
func (s *Server) Evaluate(ctx context.Context, keys he.Keys, in *wire.Reader, out io.Writer, step func(he.Step)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k, ok := keys.(*EvaluationKeys)
	if !ok {
		return fmt.Errorf("tfhe: evaluation keys of type %T", keys)
	}
	if k.pair != s.pair {
		return fmt.Errorf("tfhe: evaluation keys: %w", wire.ErrSpec)
	}
	x, err := s.plan.half.readInput(in, wire.Object{Spec: s.pair, Key: k.id})
	if err != nil {
		return err
	}
	done, total := 0, s.plan.Lookups()
	y, err := s.evaluate(ctx, k, x, &evaluation{progress: func(lookups int) {
		if done += lookups; step != nil {
			step(he.Step{Phase: "evaluate", Done: done, Total: total})
		}
	}})
	if err != nil {
		return err
	}
	return y.write(out, in.Object().Message, s.plan.half.sizes().Outputs)
}

func (y *Output) write(w io.Writer, m wire.Message, length int64) error {
	out := wire.Create(w, wire.Object{Kind: wire.Outputs, Spec: y.pair, Key: y.id, Message: m, Length: length})
	for _, c := range y.logits {
		out.Words32(c)
	}
	for _, c := range y.exact {
		out.Words64(c)
	}
	_, err := out.End()
	return err
}

// readOutput reads the payload of outputs of the half and the key that own names.
func (h *half) readOutput(in *wire.Reader, own wire.Object) (*Output, error) {
	own.Kind, own.Length = wire.Outputs, h.sizes().Outputs
	if err := in.ExpectMessage(own, 1); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	y, width := &Output{pair: own.Spec, id: own.Key}, h.params.N()+1
	for range h.Outputs {
		if in.Err() != nil {
			break
		}
		if h.Precise {
			y.exact = append(y.exact, in.NewWords64(width, h.params.q))
		} else {
			y.logits = append(y.logits, in.NewWords32(width, math.MaxUint32))
		}
	}
	if err := in.End(); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	return y, nil
}

// Decrypt implements he.Client. A failed look-up that takes a logit out of its static
// bound is a *NoiseError; others cannot be told.
func (c *Client) Decrypt(ctx context.Context, out *wire.Reader, step func(he.Step)) (*he.Decrypted, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	y, err := c.half.readOutput(out, wire.Object{Spec: c.pair, Key: c.secret.id})
	if err != nil {
		return nil, err
	}
	logits, left, err := c.decrypt(y)
	if err != nil {
		return nil, err
	}
	if step != nil {
		step(he.Step{Phase: "decrypt", Done: 1, Total: 1})
	}
	return &he.Decrypted{Answers: he.Exact{logits}, Accounts: []he.Account{he.Noise{BitsLeft: left}}}, nil
}
