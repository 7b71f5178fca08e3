package bgv

import (
	"context"
	"fmt"
	"sync"

	"qtool/he/internal/meter"
	"qtool/he/internal/parallel"
)

// Server evaluates the program on ciphertexts. It knows the plan and the
// program, never a key: there are no evaluation keys, and no field of it can
// hold a secret one. It keeps its memory between batches and is not safe for
// concurrent use; it spreads its work over the plan's workers itself.
type Server struct {
	plan    *Plan
	workers []*worker
	between [2]tensor
	clocks  []clock // of each worker
}

// NewServer prepares to evaluate p's program.
func NewServer(p *Plan) *Server {
	s := &Server{plan: p}
	for range p.workers {
		s.workers = append(s.workers, p.newWorker())
	}
	return s
}

// Evaluate fills out with the encrypted logits of in. progress, if not nil, is
// called from one goroutine at a time with the predicted nanoseconds of the
// work that was just done. On error, ctx.Err() among them, out is undefined.
func (s *Server) Evaluate(ctx context.Context, in *Inputs, out *Outputs, progress func(nanoseconds float64)) error {
	p := s.plan
	if in.n != p.Slots() || in.elements != p.inputs() || in.degree != 1 || len(in.limbs) != len(p.layout.q) || in.Prime < 0 || in.Prime >= len(p.layout.t) {
		return fmt.Errorf("bgv: %d input ciphertexts of degree %d and %d limbs for plaintext prime %d, want %d of degree 1 and %d limbs",
			in.elements, in.degree, len(in.limbs), in.Prime, p.inputs(), len(p.layout.q))
	}
	out.Prime = in.Prime
	src := &in.tensor
	for i := range p.segments {
		dst := &s.between[i%2]
		if i == len(p.segments)-1 {
			dst = &out.tensor
		}
		if err := s.segment(ctx, dst, src, i, in.Prime, progress); err != nil {
			return err
		}
		if p.rescalers[i] != nil {
			if err := s.drop(ctx, dst, i, progress); err != nil {
				return err
			}
		}
		src = dst
	}
	return nil
}

// segment evaluates segment i on all tiles.
func (s *Server) segment(ctx context.Context, dst, src *tensor, i, prime int, progress func(float64)) error {
	p := s.plan
	seg, level := &p.segments[i], len(src.limbs)
	dst.reset(src.n, seg.last().outputs, seg.last().outDegree, level)
	consts := make([]func() []constants, level)
	for limb := range consts {
		consts[limb] = sync.OnceValue(func() []constants { return p.compile(prime, i, limb) })
	}
	blocks := src.blocks()
	cost := p.costs.segments[i] / float64(blocks)
	return parallel.Run(ctx, p.workers, level*blocks, func(w, task int) error {
		limb, b := task/blocks, task%blocks
		worker := s.workers[w]
		worker.clock = nil
		if s.clocks != nil && b%clockEvery == 0 {
			worker.clock = &s.clocks[w]
		}
		worker.segment(dst.tile(limb, b), src.tile(limb, b), seg.stages, p.shared[i], consts[limb]())
		return nil
	}, func() { meter.Report(progress, cost) })
}

// compile prepares the constants of segment i for one plaintext prime and limb.
func (p *Plan) compile(prime, i, limb int) []constants {
	var all []constants
	t, scale := p.layout.t[prime], p.scale(prime, i)
	for k := range p.segments[i].stages {
		st := &p.segments[i].stages[k]
		all = append(all, st.compile(p.shared[i][k], t, scale, p.moduli[limb]))
		scale = st.scale(scale, t)
	}
	return all
}

// drop rescales every polynomial of t by the primes that go after segment i.
func (s *Server) drop(ctx context.Context, t *tensor, i int, progress func(float64)) error {
	r := s.plan.rescalers[i]
	n := t.degree + 1
	err := parallel.Run(ctx, s.plan.workers, t.elements*n, func(w, task int) error {
		s.workers[w].rescale(s.plan.transforms, r, t, task/n, task%n)
		return nil
	}, func() { meter.Report(progress, s.plan.costs.rescales[i]) })
	t.limbs = t.limbs[:len(r.limbs)]
	return err
}
