package bgv

import (
	"context"
	"fmt"
	"io"
	"sync"

	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/meter"
	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/internal/parallel"
)

// Server evaluates messages. It knows the plan and the program, never a key: there are no
// evaluation keys, and no field of it can hold a secret one. It is safe for concurrent
// use: each evaluation has memory of its own, of which one's is kept for the next.
type Server struct {
	plan *Plan
	spec [32]byte

	mu   sync.Mutex
	idle *evaluation // or nil
}

// evaluation is the memory of one evaluation.
type evaluation struct {
	*evaluator
	out    ciphertexts
	masks  [][]uint64 // of each worker, a limb
	groups *batch.Groups
}

// NewServer prepares to evaluate the program; see he.Halves.
func (p *Plan) NewServer(_ context.Context, spec [32]byte) (he.Server, error) {
	return &Server{plan: p, spec: spec}, nil
}

// publicKeys are a server's evaluation keys: none, of a client half and a secret key that
// have names.
type publicKeys struct {
	spec [32]byte
	id   wire.KeyID
}

// KeyID implements he.Keys.
func (k *publicKeys) KeyID() wire.KeyID { return k.id }

// Bytes implements he.Keys.
func (k *publicKeys) Bytes() int64 { return int64(len(k.spec) + len(k.id)) }

// ReadKeys implements he.Server. The error wraps wire.ErrSpec for keys of another
// client half.
func (s *Server) ReadKeys(_ context.Context, r io.Reader) (he.Keys, error) {
	in, err := wire.Open(r)
	if err != nil {
		return nil, fmt.Errorf("bgv: evaluation keys: %w", err)
	}
	if err := in.Expect(wire.Object{Kind: wire.EvaluationKeys, Spec: s.spec}); err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	if err := in.EndOfFile(); err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	return &publicKeys{s.spec, in.Object().Key}, nil
}

// Evaluate implements he.Server: plaintext prime by plaintext prime and limb by limb, so
// that one limb of the inputs is in memory at once. The error wraps wire.ErrSpec or wire.ErrKey for
// keys or inputs of another client half or secret key.
func (s *Server) Evaluate(ctx context.Context, keys he.Keys, in *wire.Reader, out io.Writer, step func(he.Step)) error {
	p := s.plan
	k, ok := keys.(*publicKeys)
	if !ok || k.spec != s.spec {
		return fmt.Errorf("bgv: evaluation keys: %w", wire.ErrSpec)
	}
	if err := in.ExpectMessage(wire.Object{Kind: wire.Inputs, Spec: s.spec, Key: k.id, Length: p.sizes().Inputs}, p.Slots()); err != nil {
		return fmt.Errorf("bgv: %w", err)
	}
	e := s.take()
	defer s.give(e)
	masks := sample.Seed(in.Bytes(sample.SeedSize))
	progress := meter.New(step, float64(len(p.T))*(p.costs.batch(p.layout, p.circuit)-
		float64(p.encryptCost*float64(p.inputs))-float64(p.decryptCost*float64(p.outputs))))
	progress.Phase("evaluate")
	answer := in.Object()
	answer.Kind, answer.Length = wire.Outputs, p.sizes().Outputs
	var to *wire.Writer
	for prime := range p.T {
		for limb := len(p.Q) - 1; limb >= 0; limb-- {
			if err := e.read(ctx, in, prime, limb, masks); err != nil {
				return err
			}
			if prime == len(p.T)-1 && limb == 0 {
				if err := in.End(); err != nil {
					return fmt.Errorf("bgv: %w", err)
				}
			}
			if err := e.limb(ctx, prime, limb, &e.out, progress.Add); err != nil {
				return err
			}
		}
		if to == nil {
			to = wire.Create(out, answer)
		}
		if err := e.write(ctx, to); err != nil {
			return err
		}
	}
	_, err := to.End()
	return err
}

// take gives an evaluation its memory, give takes it back.
func (s *Server) take() *evaluation {
	s.mu.Lock()
	e := s.idle
	s.idle = nil
	s.mu.Unlock()
	if e != nil {
		return e
	}
	p := s.plan
	e = &evaluation{evaluator: newEvaluator(p), groups: batch.NewGroups(p.workers, p.Slots())}
	for range p.workers {
		e.masks = append(e.masks, make([]uint64, p.Slots()))
	}
	return e
}

func (s *Server) give(e *evaluation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = e
}

// read fills the evaluator's input with one limb of the ciphertexts of one plaintext
// prime: bodies from the stream, masks from their seed.
func (e *evaluation) read(ctx context.Context, in *wire.Reader, prime, limb int, masks sample.Seed) error {
	p, g, q := e.plan, e.groups, e.plan.Q[limb]
	e.input.reset(p.Slots(), p.inputs, 1, 1)
	streams := make([]*sample.Stream, p.workers)
	for w := range streams {
		streams[w] = sample.NewStream(sample.Seed{})
	}
	return parallel.Alternate(g.Count(p.inputs), func(group int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, n := g.Span(group, p.inputs)
		for k := range n {
			in.Words64(g.Polynomial(group, k), q)
		}
		if in.Err() != nil {
			return fmt.Errorf("bgv: %w", in.Err())
		}
		return nil
	}, func(group int) error {
		from, n := g.Span(group, p.inputs)
		return parallel.Run(ctx, p.workers, n, func(w, k int) error {
			mask, stream := e.masks[w], streams[w]
			stream.Reset(p.maskSeed(masks, prime, from+k, limb))
			stream.Uniform(mask, q)
			e.input.scatter(mask, 0, from+k, 1)
			e.input.scatter(g.Polynomial(group, k), 0, from+k, 0)
			return nil
		}, nil)
	})
}

// write writes the outputs of one plaintext prime.
func (e *evaluation) write(ctx context.Context, to *wire.Writer) error {
	row := e.masks[0]
	for i := range e.out.elements {
		if err := ctx.Err(); err != nil {
			return err
		}
		for p := range e.out.degree + 1 {
			for limb := range e.out.limbs {
				e.out.gather(row, limb, i, p)
				to.Words64(row)
			}
		}
	}
	return to.Err()
}
