package bgvtable

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/verify/he/rns"
)

// Server evaluates the program on ciphertexts. It knows the plan, the program
// and the relinearisation key; no field of it can hold a secret one. It keeps its
// memory between batches and is not safe for concurrent use; it spreads its work
// over the plan's workers itself.
type Server struct {
	plan     *Plan
	pool     *pool
	stages   []stageServer
	scratch  []*rns.Scratch // of each worker
	inverseT []uint64       // modulo each prime of the chain
	sums     []rns.Sum
	seconds  []float64 // of each node, over all workers
	clock    sync.Mutex
}

// stageServer is what a stage needs for its tables.
type stageServer struct {
	programs    []program
	relinearise []*rns.Relinearizer // of each level
	divide, raw []*rns.Divider      // of each level: ciphertexts, degree-2 tensors
}

// NewServer prepares to evaluate p's program with a client's key. It returns an
// error if the key is of other parameters.
func NewServer(p *Plan, key *rns.RelinearizationKey) (*Server, error) {
	s := &Server{plan: p, pool: newPool(p.Slots()), seconds: make([]float64, len(p.program.Nodes))}
	for range p.workers {
		s.scratch = append(s.scratch, p.ring.NewScratch())
	}
	for i := range p.layout.q {
		q := p.layout.q[i]
		s.inverseT = append(s.inverseT, ring.ModExp(p.layout.t%q, q-2, q))
		s.sums = append(s.sums, p.ring.NewSum(i))
	}
	for i, drops := range p.layout.drops {
		var st stageServer
		for step, drop := range drops {
			n := p.layout.limbs(i, step)
			e, err := p.ring.NewRelinearizer(key, n, drop)
			if err != nil {
				return nil, fmt.Errorf("bgvtable: %w", err)
			}
			st.relinearise = append(st.relinearise, e)
			st.divide = append(st.divide, p.ring.NewDivider(n, drop, false))
			st.raw = append(st.raw, p.ring.NewDivider(n, drop, true))
		}
		if p.stages[i].table != nil {
			st.programs = p.compile(i)
		}
		s.stages = append(s.stages, st)
	}
	return s, nil
}

// Evaluate fills out with the encrypted logits of in. progress, if not nil, is
// called from one goroutine at a time with the predicted nanoseconds of the
// work that was just done. On error, ctx.Err() among them, out is undefined.
func (s *Server) Evaluate(ctx context.Context, in *Inputs, out *Outputs, progress func(nanoseconds float64)) error {
	p := s.plan
	if len(in.all) != p.inputs() {
		return fmt.Errorf("bgvtable: %d input ciphertexts, want %d", len(in.all), p.inputs())
	}
	for i := range in.all {
		if err := p.check(&in.all[i], p.ring.Levels()); err != nil {
			return fmt.Errorf("bgvtable: input ciphertext %d: %w", i, err)
		}
	}
	for _, c := range out.all {
		s.pool.drop(c)
	}
	out.all = nil
	src := in.all
	for i := range p.stages {
		dst, err := s.stage(ctx, i, src, progress)
		if err != nil {
			return err
		}
		if i > 0 {
			for _, c := range src {
				s.pool.drop(c)
			}
		}
		src = dst
	}
	out.all = src
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
	t, q := field(s.plan.layout.t), s.plan.layout.q[i]
	m := t.lift(v)
	if m < 0 {
		m += int64(q)
	}
	sub := s.plan.ring.Sub(i)
	return ring.BRed(uint64(m)%q, s.inverseT[i], q, sub.BRedConstant)
}
