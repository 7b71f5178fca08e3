package bgv

import (
	"context"

	"qtool/he/internal/meter"
	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// evaluator evaluates the program on ciphertexts, limb by limb; see the package comment.
// It knows the plan and the program, never a key: there are no evaluation keys, and no
// field of it can hold a secret one. It keeps its memory between batches and is not safe
// for concurrent use; it spreads its work over the plan's workers itself.
type evaluator struct {
	plan    *Plan
	workers []*worker
	input   tensor     // the limb of the inputs that is at work
	between []tensor   // the limb of the buffers that cross segments, by slot
	digits  [][]digits // behind each segment, of each buffer that is kept
	clocks  []clock    // of each worker
}

func newEvaluator(p *Plan) *evaluator {
	s := &evaluator{plan: p, between: make([]tensor, p.circuit.slots)}
	for i, words := range p.layout.slots(p.circuit) {
		s.between[i].limbs = [][]uint64{newWords(words)[:0]}
	}
	for i, drops := range p.layout.drops {
		var all []digits
		for _, k := range p.circuit.segments[i].kept {
			all = append(all, newDigits(p.Slots(), p.circuit.buffers[k.buffer].polynomials(), drops))
		}
		s.digits = append(s.digits, all)
	}
	for range p.workers {
		s.workers = append(s.workers, p.newWorker())
	}
	return s
}

// limb evaluates the program on one limb of the inputs, s.input, which it does not change.
// The limbs of a batch must come from the last to the first. A limb goes through the
// segments until it is dropped, and what is left of it there divides the limbs behind it;
// one that is not dropped is a limb of the outputs. On error, ctx.Err() among them, out is
// undefined. progress, if not nil, is called from one goroutine at a time with the
// predicted nanoseconds of the work that was just done.
func (s *evaluator) limb(ctx context.Context, prime, limb int, out *ciphertexts, progress func(nanoseconds float64)) error {
	p := s.plan
	if outputs := p.circuit.out(); limb == len(p.layout.q)-1 {
		out.prime = prime
		out.reset(p.Slots(), outputs.elements, outputs.degree, p.OutputPrimes)
	}
	tensors := make([]*tensor, len(p.circuit.buffers))
	tensors[inputBuffer] = &s.input
	for i := range p.circuit.segments {
		if err := s.segment(ctx, tensors, i, prime, limb, progress); err != nil {
			return err
		}
		r := p.rescalers[i]
		if r == nil {
			continue
		}
		for k, kept := range p.circuit.segments[i].kept {
			if err := s.divide(ctx, tensors[kept.buffer], &s.digits[i][k], r, s.lift(i, kept, prime, limb), limb, p.costs.rescales[i]/float64(p.layout.level(i)), progress); err != nil {
				return err
			}
		}
		if limb >= len(r.limbs) {
			return nil
		}
	}
	copy(out.limbs[limb], tensors[p.circuit.output].limbs[0])
	return nil
}

// segment evaluates segment i on all tiles of a limb.
func (s *evaluator) segment(ctx context.Context, tensors []*tensor, i, prime, limb int, progress func(float64)) error {
	p := s.plan
	stages := p.circuit.segments[i].stages
	for k := range stages {
		b := stages[k].to
		if buffer := &p.circuit.buffers[b]; buffer.slot != noTile {
			tensors[b] = &s.between[buffer.slot]
			tensors[b].reset(p.Slots(), buffer.elements, buffer.degree, 1)
		}
	}
	consts := p.compile(prime, i, limb)
	blocks := p.Slots() / block
	cost := p.costs.segments[i] / float64(blocks)
	return parallel.Run(ctx, p.workers, blocks, func(w, at int) error {
		worker := s.workers[w]
		worker.clock = nil
		if s.clocks != nil && at%clockEvery == 0 {
			worker.clock = &s.clocks[w]
		}
		worker.segment(&place{p.circuit, tensors, at}, stages, p.shared[i], consts)
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

// lift is the factor modulo the plaintext prime of a buffer that is kept behind segment i.
func (s *evaluator) lift(i int, k kept, prime, limb int) lifted {
	t := s.plan.layout.t[prime]
	return newLifted(powMod(s.plan.scale(prime, i), uint64(k.lift), t), t, s.plan.moduli[limb])
}

// divide takes a limb of t through a rescale: a limb that goes becomes digits, one that
// stays is divided. cost is of one polynomial.
func (s *evaluator) divide(ctx context.Context, t *tensor, d *digits, r *rescaler, by lifted, limb int, cost float64, progress func(float64)) error {
	transform, all := s.plan.transforms[limb], t.polynomials()
	size, count := spans(all, s.plan.Slots(), 1, s.plan.workers)
	cost *= float64(all) / float64(count)
	return parallel.Run(ctx, s.plan.workers, count, func(w, task int) error {
		first := task * size
		n := min(size, all-first)
		if by.needed {
			t.scale(s.plan.moduli[limb], by, first, n)
		}
		if j := limb - len(r.limbs); j >= 0 {
			s.workers[w].drop(transform, r, d, j, t, first, n)
		} else {
			s.workers[w].rescale(transform, &r.limbs[limb], d, t, first, n)
		}
		return nil
	}, func() { meter.Report(progress, cost) })
}

// scale multiplies n polynomials of the first limb.
func (t *tensor) scale(m *mod.Modulus, by lifted, first, n int) {
	for b := range t.blocks() {
		part := t.span(0, b, first, n)
		m.Scale(part, part, by.factor)
	}
}
