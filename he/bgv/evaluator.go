package bgv

import (
	"context"
	"sync"

	"qtool/he/internal/meter"
	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// evaluator evaluates the program on ciphertexts. It knows the plan and the
// program, never a key: there are no evaluation keys, and no field of it can
// hold a secret one. It keeps its memory between batches and is not safe for
// concurrent use; it spreads its work over the plan's workers itself.
type evaluator struct {
	plan    *Plan
	workers []*worker
	between []tensor // by slot
	clocks  []clock  // of each worker
}

func newEvaluator(p *Plan) *evaluator {
	s := &evaluator{plan: p, between: make([]tensor, p.circuit.slots)}
	for range p.workers {
		s.workers = append(s.workers, p.newWorker())
	}
	return s
}

// evaluate fills out with the encrypted logits of in. progress, if not nil, is
// called from one goroutine at a time with the predicted nanoseconds of the
// work that was just done. On error, ctx.Err() among them, out is undefined.
func (s *evaluator) evaluate(ctx context.Context, in, out *ciphertexts, progress func(nanoseconds float64)) error {
	p := s.plan
	out.prime = in.prime
	tensors := make([]*tensor, len(p.circuit.buffers))
	tensors[inputBuffer] = &in.tensor
	for i := range p.circuit.segments {
		if err := s.segment(ctx, tensors, &out.tensor, i, in.prime, progress); err != nil {
			return err
		}
		if p.rescalers[i] == nil {
			continue
		}
		scale := p.scale(in.prime, i)
		for _, k := range p.circuit.segments[i].kept {
			if err := s.drop(ctx, tensors[k.buffer], i, powMod(scale, uint64(k.lift), p.layout.t[in.prime]), in.prime, progress); err != nil {
				return err
			}
		}
	}
	return nil
}

// segment evaluates segment i on all tiles.
func (s *evaluator) segment(ctx context.Context, tensors []*tensor, out *tensor, i, prime int, progress func(float64)) error {
	p := s.plan
	stages, level := p.circuit.segments[i].stages, len(p.layout.q)
	for _, n := range p.layout.drops[:i] {
		level -= n
	}
	for k := range stages {
		b := stages[k].to
		if buffer := &p.circuit.buffers[b]; buffer.slot != noTile {
			tensors[b] = &s.between[buffer.slot]
			if b == p.circuit.output {
				tensors[b] = out
			}
			tensors[b].reset(p.Slots(), buffer.elements, buffer.degree, level)
		}
	}
	consts := make([]func() []constants, level)
	for limb := range consts {
		consts[limb] = sync.OnceValue(func() []constants { return p.compile(prime, i, limb) })
	}
	blocks := p.Slots() / block
	cost := p.costs.segments[i] / float64(blocks)
	return parallel.Run(ctx, p.workers, level*blocks, func(w, task int) error {
		at := place{p.circuit, tensors, task / blocks, task % blocks}
		worker := s.workers[w]
		worker.clock = nil
		if s.clocks != nil && at.at%clockEvery == 0 {
			worker.clock = &s.clocks[w]
		}
		worker.segment(&at, stages, p.shared[i], consts[at.limb]())
		return nil
	}, func() { meter.Report(progress, cost) })
}

// compile prepares the constants of segment i for one plaintext prime and limb.
func (p *Plan) compile(prime, i, limb int) []constants {
	var all []constants
	t, scale := p.layout.t[prime], p.scale(prime, i)
	for k := range p.circuit.segments[i].stages {
		all = append(all, p.circuit.segments[i].stages[k].compile(p.shared[i][k], t, scale, p.moduli[limb]))
	}
	return all
}

// drop multiplies every polynomial of t by a factor modulo the plaintext prime and
// rescales it by the primes that go after segment i.
func (s *evaluator) drop(ctx context.Context, t *tensor, i int, factor uint64, prime int, progress func(float64)) error {
	p, r := s.plan, s.plan.rescalers[i]
	var lifts []lifted // by limb
	for limb := range t.limbs {
		lifts = append(lifts, newLifted(factor, p.layout.t[prime], p.moduli[limb]))
	}
	n := t.degree + 1
	err := parallel.Run(ctx, p.workers, t.elements*n, func(w, task int) error {
		if factor != 1 {
			t.scale(p.moduli, lifts, task/n, task%n)
		}
		s.workers[w].rescale(p.transforms, r, t, task/n, task%n)
		return nil
	}, func() { meter.Report(progress, p.costs.rescales[i]) })
	t.limbs = t.limbs[:len(r.limbs)]
	return err
}

// scale multiplies polynomial p of an element.
func (t *tensor) scale(moduli []*mod.Modulus, by []lifted, element, p int) {
	for limb := range t.limbs {
		for b := range t.blocks() {
			part := t.part(limb, b, element, p)
			moduli[limb].Scale(part, part, by[limb].factor)
		}
	}
}
