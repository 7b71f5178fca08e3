package bgvlut

import (
	"context"
	"fmt"
	"sync"
	"time"

	"qtool/he"
	"qtool/he/internal/rns"
	"qtool/kernel/mod"
)

// prepared is what every evaluation of a plan reads.
type prepared struct {
	plan     *Plan
	programs [][]program      // of each stage with tables
	divide   [][]*rns.Divider // of each round's levels
	inverseT []uint64         // modulo each prime of the chain
	units    []uint64         // X^(N/2) in the first half of the words, modulo each prime
}

// prepare makes the plan's tables ready.
func (p *Plan) prepare() *prepared {
	s := &prepared{plan: p}
	for i := range p.Q {
		s.inverseT = append(s.inverseT, p.ring.Modulus(i).Inverse(p.T))
		s.units = append(s.units, p.ring.Unit(i))
	}
	for round, drops := range p.layout.drops {
		var all []*rns.Divider
		for step, drop := range drops {
			all = append(all, p.ring.NewDivider(p.layout.limbs(round, step), drop))
		}
		s.divide = append(s.divide, all)
	}
	for i := range p.stages {
		var all []program
		if p.stages[i].table != nil {
			all = p.compile(i)
		}
		s.programs = append(s.programs, all)
	}
	return s
}

// switchingKeys are a client's evaluation keys: public, and immutable.
type switchingKeys struct {
	relinearise *rns.SwitchingKey
	swap        *rns.SwitchingKey // of halves of the slots; nil where nothing is swapped
}

// all are the keys in the order of their object.
func (k *switchingKeys) all() []*rns.SwitchingKey {
	if k.swap == nil {
		return []*rns.SwitchingKey{k.relinearise}
	}
	return []*rns.SwitchingKey{k.relinearise, k.swap}
}

// Bytes is the size of the keys' words.
func (k *switchingKeys) Bytes() (n int64) {
	for _, key := range k.all() {
		n += key.Bytes()
	}
	return n
}

// switchers are evaluation keys made ready: of each level of each round, and of the stages
// that swap halves. They are public, and immutable.
type switchers struct {
	relinearise [][]*rns.Switcher
	swap        []*rns.Switcher // of each round; nil where no stage swaps
}

// switchers prepares a client's keys.
func (p *Plan) switchers(keys switchingKeys) (*switchers, error) {
	all := &switchers{swap: make([]*rns.Switcher, len(p.layout.drops))}
	for round, drops := range p.layout.drops {
		var levels []*rns.Switcher
		for step, drop := range drops {
			e, err := p.ring.NewSwitcher(rns.Square, keys.relinearise, p.layout.limbs(round, step), drop)
			if err != nil {
				return nil, fmt.Errorf("bgvlut: %w", err)
			}
			levels = append(levels, e)
		}
		all.relinearise = append(all.relinearise, levels)
	}
	for i := range p.stages {
		round := p.stages[i].round
		if !p.tables[i].swaps || all.swap[round] != nil {
			continue
		}
		var err error
		if all.swap[round], err = p.ring.NewSwitcher(rns.Conjugate, keys.swap, p.layout.limbs(round, 0), 0); err != nil {
			return nil, fmt.Errorf("bgvlut: %w", err)
		}
	}
	return all, nil
}

// evaluator evaluates the program on ciphertexts. It knows the plan, the program
// and the evaluation keys; no field of it can hold a secret one. It keeps its
// memory between batches and is not safe for concurrent use; it spreads its work
// over the plan's workers itself.
type evaluator struct {
	*prepared
	key     *switchers
	pool    *pool
	workers []*serverWorker
	seconds he.NodeSeconds // of each node, over all workers
	clock   sync.Mutex
}

// serverWorker is what one goroutine computes with.
type serverWorker struct {
	scratch *rns.Scratch
	tile    []uint64 // a block of all that a linear map reads
	out     []uint64 // and of what it makes
}

// newEvaluator has memory of its own.
func (s *prepared) newEvaluator(key *switchers) *evaluator {
	p := s.plan
	e := &evaluator{prepared: s, key: key, pool: newPool(p.N()), seconds: make(he.NodeSeconds, len(p.program.Nodes))}
	for range p.workers {
		e.workers = append(e.workers, &serverWorker{scratch: p.ring.NewScratch(max(len(p.digits), len(p.swap)))})
	}
	return e
}

// evaluate fills out with the encrypted logits of in, which stay. progress, if not nil, is
// called from one goroutine at a time with the predicted nanoseconds of the
// work that was just done. On error, ctx.Err() among them, out is undefined.
func (s *evaluator) evaluate(ctx context.Context, in, out *ciphertexts, progress func(nanoseconds float64)) error {
	return s.run(ctx, *in, out, false, progress)
}

// consume is evaluate, but takes the memory of inputs as soon as nothing reads
// them any more: less is needed in all, and in is empty afterwards.
func (s *evaluator) consume(ctx context.Context, in, out *ciphertexts, progress func(nanoseconds float64)) error {
	all := *in
	*in = nil
	return s.run(ctx, all, out, true, progress)
}

func (s *evaluator) run(ctx context.Context, in ciphertexts, out *ciphertexts, consume bool, progress func(nanoseconds float64)) error {
	p := s.plan
	for _, c := range *out {
		s.pool.drop(c)
	}
	*out = nil
	r := newResidents(p, s.pool, in, consume)
	for i := range p.stages {
		if i > 0 && p.stages[i].round > p.stages[i-1].round {
			r.shorten(p.layout.limbs(p.stages[i].round, 0))
		}
		if err := s.stage(ctx, i, r, progress); err != nil {
			return err
		}
	}
	*out = r.buffers[p.stages[len(p.stages)-1].to]
	return nil
}

// time adds what has passed since start to a node's seconds.
func (s *evaluator) time(node int, start time.Time) {
	if node != noNode {
		s.clock.Lock()
		s.seconds[node] += time.Since(start).Seconds()
		s.clock.Unlock()
	}
}

// constant is v mod T as what is added to c_0's words modulo prime i: the
// centred residue over T.
func (s *prepared) constant(v uint64, i int) uint64 {
	m := s.plan.ring.Modulus(i)
	return m.Mul(m.Residue(field(s.plan.T).lift(v)), s.inverseT[i])
}

// weighing is a sum of two ciphertexts times a and b modulo prime i, in a half of the words.
func (s *prepared) weighing(a, b gaussian, half, i int) mod.Weighing {
	return s.plan.ring.Modulus(i).Weighing([]uint64{s.value(a, half, i), s.value(b, half, i)})
}

// value is g in a half of the words modulo prime i.
func (s *prepared) value(g gaussian, half, i int) uint64 {
	m, unit := s.plan.ring.Modulus(i), s.units[i]
	if half == 1 {
		unit = m.Q - unit
	}
	return (m.Residue(g.re) + m.Mul(m.Residue(g.im), unit)) % m.Q
}
