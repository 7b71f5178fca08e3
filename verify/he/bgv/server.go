package bgv

import (
	"context"
	"fmt"
	"sync"
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
		for range p.layout.drops[i] {
			if err := s.drop(ctx, dst, p.costs.rescales[i]/float64(p.layout.drops[i]), progress); err != nil {
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
	return run(ctx, p.workers, level*blocks, func(w, task int) error {
		limb, b := task/blocks, task%blocks
		worker := s.workers[w]
		worker.clock = nil
		if s.clocks != nil && b%clockEvery == 0 {
			worker.clock = &s.clocks[w]
		}
		worker.segment(dst.tile(limb, b), src.tile(limb, b), seg.stages, consts[limb]())
		return nil
	}, func() { report(progress, cost) })
}

// compile prepares the constants of segment i for one plaintext prime and limb.
func (p *Plan) compile(prime, i, limb int) []constants {
	var all []constants
	t, scale := p.layout.t[prime], p.scale(prime, i)
	for k := range p.segments[i].stages {
		st := &p.segments[i].stages[k]
		all = append(all, st.compile(t, scale, p.layout.q[limb]))
		scale = st.scale(scale, t)
	}
	return all
}

// drop rescales every polynomial of t by its last prime.
func (s *Server) drop(ctx context.Context, t *tensor, cost float64, progress func(float64)) error {
	r := s.plan.ringAt(len(t.limbs))
	n := t.degree + 1
	err := run(ctx, s.plan.workers, t.elements*n, func(w, task int) error {
		s.workers[w].rescale(t, r, task/n, task%n)
		return nil
	}, func() { report(progress, cost) })
	t.limbs = t.limbs[:len(t.limbs)-1]
	return err
}

func report(progress func(float64), cost float64) {
	if progress != nil {
		progress(cost)
	}
}
