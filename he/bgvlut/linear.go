package bgvlut

import (
	"context"
	"sync"
	"time"

	"qtool/he/internal/meter"
	"qtool/he/internal/rns"
	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// groupBytes bounds the memory of a group of accumulators.
const groupBytes = 1 << 29

// stage evaluates stage i, some units at a time: the linear map limb by limb
// and block by block, then the tables unit by unit. It takes the memory of
// what nothing reads any more as it goes.
func (s *evaluator) stage(ctx context.Context, i int, r *residents, progress func(float64)) error {
	p := s.plan
	st, t := &p.stages[i], &p.tables[i]
	limbs := p.layout.limbs(st.round, 0)
	src := r.source(&t.reads)
	dst := make([]ciphertext, len(t.outputs))
	made := newPooling(dst)
	all := p.sums(i)
	bytes := 16 * p.N() * limbs
	if t.swaps {
		bytes *= 2
	}
	size := max(p.workers, groupBytes/bytes)
	order, until := all.order()
	for from := 0; from < len(t.units); from += size {
		units := order[from:min(from+size, len(t.units))]
		g := &group{units: units, direct: s.pool.ciphertexts(len(units), limbs)}
		if t.swaps {
			g.crossed = s.pool.ciphertexts(len(units), limbs)
		}
		if err := s.linear(ctx, i, all, g, src, progress); err != nil {
			return err
		}
		for k := range src {
			if src[k][0] != nil && until[k] < from+len(units) {
				src[k] = ciphertext{}
				r.release(&t.reads, k)
			}
		}
		err := parallel.Run(ctx, p.workers, len(units), func(w, k int) error {
			s.unit(i, s.workers[w], g, k, made)
			return nil
		}, func() { meter.Report(progress, p.costs.element[i]) })
		if err != nil {
			return err
		}
	}
	r.keep(st, dst)
	return nil
}

// group is some units on their way through a stage.
type group struct {
	units   []int
	direct  []ciphertext
	crossed []ciphertext // whose halves are to be swapped; nil where none is
}

// unit evaluates what follows on the linear map of unit k of a group.
func (s *evaluator) unit(i int, w *serverWorker, g *group, k int, made *pooling) {
	p := s.plan
	st, t := &p.stages[i], &p.tables[i]
	u, x := &t.units[g.units[k]], g.direct[k]
	if t.swaps {
		start := time.Now()
		s.swap(st.round, w, x, g.crossed[k])
		s.time(max(st.node.rows, st.node.table), start)
	}
	if st.table != nil {
		start := time.Now()
		out := s.pool.ciphertext(p.layout.limbs(st.round+1, 0))
		s.evaluation(st.round, w).table(&s.programs[i][u.pair], x, out)
		s.pool.drop(x)
		x = out
		s.time(st.node.table, start)
	}
	start := time.Now()
	s.add(made, u.output, x)
	s.time(st.node.pool, start)
}

// swap adds to x the ciphertext y with its halves swapped, and takes the memory of y.
func (s *evaluator) swap(round int, w *serverWorker, x, y ciphertext) {
	limbs := y.limbs()
	swapped := [3]rns.Poly{s.pool.poly(limbs), nil, s.pool.poly(limbs)}
	s.plan.ring.Conjugate(swapped[0], y[0])
	s.plan.ring.Conjugate(swapped[2], y[1])
	s.key.swap[round].Apply((*[2]rns.Poly)(&y), &swapped, w.scratch)
	s.pool.put(swapped[0], swapped[2])
	for c := range x {
		s.plan.ring.Add(x[c], y[c])
	}
	s.pool.drop(y)
}

// linear evaluates some units of stage i's linear map, less the centres of
// their tables.
func (s *evaluator) linear(ctx context.Context, i int, all *sums, g *group, src []ciphertext, progress func(float64)) error {
	p := s.plan
	st := &p.stages[i]
	limbs, blocks := p.layout.limbs(st.round, 0), p.N()/block
	cost := p.costs.linear[i] / float64(limbs*2*blocks) * float64(len(g.units)) / float64(len(p.tables[i].units))
	taps := all.newTaps(g.units)
	maps := make([]func() []bunchMap, limbs)
	joins := make([]joint, limbs)
	for limb := range maps {
		maps[limb] = sync.OnceValue(func() []bunchMap {
			constants := make([]uint64, all.rows*len(g.units))
			for k, u := range g.units {
				for half := range p.layout.copies {
					constants[all.rows*k+half] = s.constant(p.offset(i, p.tables[i].units[u].elements[half]), limb)
				}
			}
			return taps.prepare(p.ring.Modulus(limb), constants)
		})
		joins[limb] = s.joint(i, limb)
	}
	return parallel.Run(ctx, p.workers, limbs*2*blocks, func(w, task int) error {
		start := time.Now()
		limb, c, at := task/(2*blocks), task/blocks%2, task%blocks*block
		worker := s.workers[w]
		worker.tile = grow(worker.tile, len(taps.inputs)*block)
		worker.out = grow(worker.out, bunch*block)
		for k, in := range taps.inputs {
			copy(worker.tile[k*block:][:block], src[in][c][limb][at:])
		}
		join := joins[limb].of[2*at/p.N()]
		first := 0
		for _, m := range maps[limb]() {
			constants := m.constants
			if c == 1 {
				constants = nil
			}
			m.weights.Apply(worker.out, block, worker.tile, m.offsets, constants, block)
			for r := 0; r < len(m.constants); r += all.rows {
				rows, k := worker.out[r*block:], (first+r)/all.rows
				to := g.direct[k][c][limb][at : at+block]
				if all.rows == 1 {
					copy(to, rows)
					continue
				}
				joins[limb].apply(to, rows[:block], rows[block:2*block], join[0])
				if all.rows == 4 {
					joins[limb].apply(g.crossed[k][c][limb][at:at+block], rows[2*block:3*block], rows[3*block:4*block], join[1])
				}
			}
			first += len(m.constants)
		}
		s.time(st.node.rows, start)
		return nil
	}, func() { meter.Report(progress, cost) })
}

// joint is how two sums are put beside each other modulo one prime, in each half of the
// words: the first one into half 0 of the slots, or, to be swapped, into half 1.
type joint struct {
	m  *mod.Modulus
	of [2][2]mod.Weighing
}

// joint is stage i's modulo prime number limb; the zero value where there is one copy.
func (s *evaluator) joint(i, limb int) joint {
	j := joint{m: s.plan.ring.Modulus(limb)}
	if s.plan.layout.copies > 1 {
		m := s.plan.masks(i).of
		for half := range j.of {
			j.of[half] = [2]mod.Weighing{s.weighing(m[0], m[1], half, limb), s.weighing(m[1], m[0], half, limb)}
		}
	}
	return j
}

func (j *joint) apply(dst, x, y []uint64, w mod.Weighing) {
	j.m.Combine(dst, [][]uint64{x, y}, 0, w, j.m.Q>>50 == 0)
}

// offset is what is added to element k of stage i's linear map, modulo T: its
// bias, less its table's centre.
func (p *Plan) offset(i, k int) uint64 {
	t, v := field(p.layout.t), uint64(0)
	if r := p.stages[i].rows; r != nil {
		v = r.Bias.Mod(k, uint64(t))
	}
	if p.stages[i].table != nil {
		v = t.sub(v, p.tables[i].of(k).centre)
	}
	return v
}

// pooling adds ciphertexts up as they come, in any order.
type pooling struct {
	dst   []ciphertext
	locks []sync.Mutex
}

func newPooling(dst []ciphertext) *pooling {
	return &pooling{dst, make([]sync.Mutex, len(dst))}
}

// add takes c into output o.
func (s *evaluator) add(p *pooling, o int, c ciphertext) {
	p.locks[o].Lock()
	defer p.locks[o].Unlock()
	if p.dst[o][0] == nil {
		p.dst[o] = c
		return
	}
	for k := range c {
		s.plan.ring.Add(p.dst[o][k], c[k])
	}
	s.pool.drop(c)
}
