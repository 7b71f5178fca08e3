package bgvlut

import (
	"context"
	"fmt"
	"sync"
	"time"

	"qtool/he"
	"qtool/he/internal/rns"
	"qtool/he/wire"
)

// Server evaluates the program on ciphertexts. It knows the plan, the program
// and the relinearisation key; no field of it can hold a secret one. It keeps its
// memory between batches and is not safe for concurrent use; it spreads its work
// over the plan's workers itself.
type Server struct {
	plan     *Plan
	key      wire.KeyID
	pool     *pool
	stages   []stageServer
	rounds   []roundServer
	workers  []*serverWorker
	inverseT []uint64       // modulo each prime of the chain
	seconds  he.NodeSeconds // of each node, over all workers
	clock    sync.Mutex
}

// serverWorker is what one goroutine computes with.
type serverWorker struct {
	scratch *rns.Scratch
	tile    []uint64 // a block of all that a linear map reads
	out     []uint64 // and of what it makes
}

// stageServer is what a stage needs for its tables.
type stageServer struct {
	*roundServer
	programs []program
}

// roundServer is what the tables of a round need.
type roundServer struct {
	relinearise []*rns.Relinearizer // of each level
	divide      []*rns.Divider      // of each level
}

// NewServer prepares to evaluate p's program with a client's key. It returns a
// *KeyError if the key is of other parameters.
func NewServer(p *Plan, key *EvaluationKeys) (*Server, error) {
	if want := p.parameters(); key.params != want {
		return nil, &KeyError{What: format.Kinds[kindEvaluationKeys-1], got: key.params, want: want}
	}
	s := &Server{plan: p, key: key.id, pool: newPool(p.Slots()), seconds: make(he.NodeSeconds, len(p.program.Nodes))}
	for range p.workers {
		s.workers = append(s.workers, &serverWorker{scratch: p.ring.NewScratch(len(p.digits))})
	}
	for i := range p.layout.q {
		s.inverseT = append(s.inverseT, p.ring.Modulus(i).Inverse(p.layout.t))
	}
	for round, drops := range p.layout.drops {
		r := roundServer{}
		for step, drop := range drops {
			n := p.layout.limbs(round, step)
			e, err := p.ring.NewRelinearizer(key.key, n, drop)
			if err != nil {
				return nil, fmt.Errorf("bgvlut: %w", err)
			}
			r.relinearise = append(r.relinearise, e)
			r.divide = append(r.divide, p.ring.NewDivider(n, drop))
		}
		s.rounds = append(s.rounds, r)
	}
	for i := range p.stages {
		st := stageServer{roundServer: &s.rounds[p.stages[i].round]}
		if p.stages[i].table != nil {
			st.programs = p.compile(i)
		}
		s.stages = append(s.stages, st)
	}
	return s, nil
}

// Evaluate fills out with the encrypted logits of in, which stay. progress, if not nil, is
// called from one goroutine at a time with the predicted nanoseconds of the
// work that was just done. It returns a *KeyError for samples encrypted under
// another key. On error, ctx.Err() among them, out is undefined.
func (s *Server) Evaluate(ctx context.Context, in *Inputs, out *Outputs, progress func(nanoseconds float64)) error {
	return s.evaluate(ctx, in, out, false, progress)
}

// Consume is Evaluate, but takes the memory of inputs as soon as nothing reads
// them any more: less is needed in all, and in is empty afterwards.
func (s *Server) Consume(ctx context.Context, in *Inputs, out *Outputs, progress func(nanoseconds float64)) error {
	defer func() { in.all = nil }()
	return s.evaluate(ctx, in, out, true, progress)
}

func (s *Server) evaluate(ctx context.Context, in *Inputs, out *Outputs, consume bool, progress func(nanoseconds float64)) error {
	p := s.plan
	if err := p.belongs("input", in.origin, s.key); err != nil {
		return err
	}
	if len(in.all) != p.inputs() {
		return fmt.Errorf("bgvlut: %d input ciphertexts, want %d", len(in.all), p.inputs())
	}
	for i := range in.all {
		if err := p.check(&in.all[i], p.ring.Levels()); err != nil {
			return fmt.Errorf("bgvlut: input ciphertext %d: %w", i, err)
		}
	}
	for _, c := range out.all {
		s.pool.drop(c)
	}
	out.all = nil
	r := newResidents(p, s.pool, in.all, consume)
	for i := range p.stages {
		if i > 0 && p.stages[i].round > p.stages[i-1].round {
			r.shorten(p.layout.limbs(p.stages[i].round, 0))
		}
		if err := s.stage(ctx, i, r, progress); err != nil {
			return err
		}
	}
	out.origin, out.all = in.origin, r.buffers[p.stages[len(p.stages)-1].to]
	return nil
}

// check refuses a ciphertext of another shape, or with coefficients that are
// not reduced, which the lazy sums rely on.
func (p *Plan) check(c *ciphertext, limbs int) error {
	for _, poly := range c {
		if len(poly) != limbs {
			return fmt.Errorf("%d limbs, want %d", len(poly), limbs)
		}
		for i, limb := range poly {
			if len(limb) != p.Slots() {
				return fmt.Errorf("%d coefficients, want %d", len(limb), p.Slots())
			}
			largest := uint64(0)
			for _, x := range limb {
				largest = max(largest, x)
			}
			if largest >= p.layout.q[i] {
				return fmt.Errorf("a coefficient is not reduced modulo %d", p.layout.q[i])
			}
		}
	}
	return nil
}

// time adds what has passed since start to a node's seconds.
func (s *Server) time(node int, start time.Time) {
	if node != noNode {
		s.clock.Lock()
		s.seconds[node] += time.Since(start).Seconds()
		s.clock.Unlock()
	}
}

// constant is v mod T as what is added to c_0's words modulo prime i: the
// centred residue over T.
func (s *Server) constant(v uint64, i int) uint64 {
	m := s.plan.ring.Modulus(i)
	return m.Mul(m.Residue(field(s.plan.layout.t).lift(v)), s.inverseT[i])
}
