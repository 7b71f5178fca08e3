package bgvlut

import (
	"context"
	"fmt"
	"io"
	"sync"

	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/meter"
	"qtool/he/internal/rns"
	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/internal/parallel"
)

// Server evaluates messages. It knows the plan and the program, never a secret key, and no
// field of it can hold one. It is safe for concurrent use: each evaluation has memory of
// its own, of which one's is kept for the next.
type Server struct {
	*prepared
	spec [32]byte

	mu   sync.Mutex
	idle *evaluator // or nil
}

// NewServer prepares to evaluate the program; see he.Halves.
func (p *Plan) NewServer(ctx context.Context, spec [32]byte) (he.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &Server{prepared: p.prepare(), spec: spec}, nil
}

// EvaluationKeys are a client's keys, as a server has read them: public, and immutable.
type EvaluationKeys struct {
	spec  [32]byte
	id    wire.KeyID
	key   *switchers
	bytes int64
}

// KeyID implements he.Keys.
func (k *EvaluationKeys) KeyID() wire.KeyID { return k.id }

// Bytes implements he.Keys.
func (k *EvaluationKeys) Bytes() int64 { return k.bytes }

// ReadKeys implements he.Server. The error wraps wire.ErrSpec for keys of another client
// half.
func (s *Server) ReadKeys(ctx context.Context, r io.Reader) (he.Keys, error) {
	p := s.plan
	in, err := wire.Open(r)
	if err != nil {
		return nil, fmt.Errorf("bgvlut: evaluation keys: %w", err)
	}
	if err := in.Expect(wire.Object{Kind: wire.EvaluationKeys, Spec: s.spec, Length: p.sizes().Keys}); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	masks := sample.Seed(in.Bytes(sample.SeedSize))
	limb := func(n int, q uint64) []uint64 {
		if ctx.Err() != nil {
			_ = in.Refuse(ctx.Err()) // it comes back at the end of the file
		}
		return in.NewWords64(n, q)
	}
	keys := switchingKeys{relinearise: p.ring.ReadKey(rns.Square, p.digits, masks, limb)}
	if len(p.swap) > 0 {
		keys.swap = p.ring.ReadKey(rns.Conjugate, p.swap, masks, limb)
	}
	if err := in.EndOfFile(); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	ready, err := p.switchers(keys)
	if err != nil {
		return nil, err
	}
	return &EvaluationKeys{s.spec, in.Object().Key, ready, keys.Bytes()}, nil
}

// Evaluate implements he.Server. The error wraps wire.ErrSpec or wire.ErrKey for keys or
// inputs of another client half or secret key.
func (s *Server) Evaluate(ctx context.Context, keys he.Keys, in *wire.Reader, out io.Writer, step func(he.Step)) error {
	p := s.plan
	k, ok := keys.(*EvaluationKeys)
	if !ok || k.spec != s.spec {
		return fmt.Errorf("bgvlut: evaluation keys: %w", wire.ErrSpec)
	}
	if err := in.ExpectMessage(wire.Object{Kind: wire.Inputs, Spec: s.spec, Key: k.id, Length: p.sizes().Inputs}, p.Slots()); err != nil {
		return fmt.Errorf("bgvlut: %w", err)
	}
	e := s.take(k.key)
	defer s.give(e)
	inputs, err := e.read(ctx, in)
	if err != nil {
		return err
	}
	if err := in.End(); err != nil {
		return fmt.Errorf("bgvlut: %w", err)
	}
	progress := meter.New(step, p.costs.total()-float64(p.encryptCost*float64(p.inputs))-float64(p.decryptCost*float64(p.outputs)))
	progress.Phase("evaluate")
	var outputs ciphertexts
	if err := e.consume(ctx, &inputs, &outputs, progress.Add); err != nil {
		return err
	}
	answer := in.Object()
	answer.Kind, answer.Length = wire.Outputs, p.sizes().Outputs
	to := wire.Create(out, answer)
	for _, c := range outputs {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, poly := range c {
			for _, limb := range poly {
				to.Words64(limb)
			}
		}
		e.pool.drop(c)
	}
	_, err = to.End()
	return err
}

// take gives an evaluation its memory, give takes it back.
func (s *Server) take(key *switchers) *evaluator {
	s.mu.Lock()
	e := s.idle
	s.idle = nil
	s.mu.Unlock()
	if e == nil {
		return s.newEvaluator(key)
	}
	e.key = key
	return e
}

func (s *Server) give(e *evaluator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.key = nil
	s.idle = e
}

// read is the ciphertexts of a message: bodies from the stream, masks from their seed.
func (e *evaluator) read(ctx context.Context, in *wire.Reader) (ciphertexts, error) {
	p := e.plan
	masks := sample.Seed(in.Bytes(sample.SeedSize))
	g := batch.NewGroups(p.workers, 0) // the ciphertexts themselves are the memory
	streams := make([]*sample.Stream, p.workers)
	for w := range streams {
		streams[w] = sample.NewStream(sample.Seed{})
	}
	all := make(ciphertexts, p.inputs)
	err := parallel.Alternate(g.Count(p.inputs), func(group int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, n := g.Span(group, p.inputs)
		for i := from; i < from+n; i++ {
			all[i] = e.pool.ciphertext(len(p.Q))
			for limb, q := range p.Q {
				in.Words64(all[i][0][limb], q)
			}
		}
		if in.Err() != nil {
			return fmt.Errorf("bgvlut: %w", in.Err())
		}
		return nil
	}, func(group int) error {
		from, n := g.Span(group, p.inputs)
		return parallel.Run(ctx, p.workers, n, func(w, k int) error {
			streams[w].Reset(maskSeed(masks, from+k))
			for limb, q := range p.Q {
				streams[w].Uniform(all[from+k][1][limb], q)
			}
			return nil
		}, nil)
	})
	if err != nil { // the memory is the evaluator's all the same
		for _, c := range all {
			e.pool.drop(c)
		}
		return nil, err
	}
	return all, nil
}
