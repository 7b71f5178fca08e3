package bgvlut

import (
	"context"
	"sync"
	"time"

	"qtool/he/internal/meter"
	"qtool/internal/parallel"
)

// groupBytes bounds the memory of a group of accumulators.
const groupBytes = 1 << 29

// stage evaluates stage i, some elements at a time: the linear map limb by limb
// and block by block, then the tables element by element. It takes the memory of
// what nothing reads any more as it goes.
func (s *evaluator) stage(ctx context.Context, i int, r *residents, progress func(float64)) error {
	p := s.plan
	st := &p.stages[i]
	limbs := p.layout.limbs(st.round, 0)
	src := r.source(st)
	dst := make([]ciphertext, st.outputs)
	sums := newPooling(st, dst)
	size := max(p.workers, groupBytes/(16*p.Slots()*limbs))
	order, until := st.order()
	for from := 0; from < st.between; from += size {
		elements := order[from:min(from+size, st.between)]
		group := make([]ciphertext, len(elements))
		for k := range group {
			group[k] = s.pool.ciphertext(limbs)
		}
		if err := s.linear(ctx, i, elements, group, src, progress); err != nil {
			return err
		}
		for k := range src {
			if src[k][0] != nil && until[k] < from+len(elements) {
				src[k] = ciphertext{}
				r.release(st, k)
			}
		}
		if st.table == nil {
			for k, element := range elements {
				dst[element] = group[k]
			}
			continue
		}
		err := parallel.Run(ctx, p.workers, len(group), func(w, k int) error {
			start := time.Now()
			out := s.pool.ciphertext(p.layout.limbs(st.round+1, 0))
			e := s.evaluation(st.round, s.workers[w])
			e.table(&s.programs[i][p.tables[i].element[elements[k]]], group[k], out)
			s.pool.drop(group[k])
			s.time(st.node.table, start)
			start = time.Now()
			s.add(sums, elements[k], out)
			s.time(st.node.pool, start)
			return nil
		}, func() { meter.Report(progress, p.costs.element[i]) })
		if err != nil {
			return err
		}
	}
	r.keep(st, dst)
	return nil
}

// linear evaluates some elements of stage i's linear map, less the centres of
// their tables.
func (s *evaluator) linear(ctx context.Context, i int, elements []int, group, src []ciphertext, progress func(float64)) error {
	p := s.plan
	st := &p.stages[i]
	limbs, blocks := p.layout.limbs(st.round, 0), p.Slots()/block
	cost := p.costs.linear[i] / float64(limbs*2*blocks) * float64(len(group)) / float64(st.between)
	taps := newTaps(st, elements)
	maps := make([]func() []bunchMap, limbs)
	for limb := range maps {
		maps[limb] = sync.OnceValue(func() []bunchMap {
			constants := make([]uint64, len(group))
			for k := range constants {
				constants[k] = s.constant(p.offset(i, elements[k]), limb)
			}
			return taps.prepare(p.ring.Modulus(limb), constants)
		})
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
		first := 0
		for _, m := range maps[limb]() {
			constants := m.constants
			if c == 1 {
				constants = nil
			}
			m.weights.Apply(worker.out, block, worker.tile, m.offsets, constants, block)
			for r := range m.constants {
				copy(group[first+r][c][limb][at:at+block], worker.out[r*block:])
			}
			first += len(m.constants)
		}
		s.time(st.node.rows, start)
		return nil
	}, func() { meter.Report(progress, cost) })
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

// pooling adds elements up as they come, in any order.
type pooling struct {
	dst    []ciphertext
	output []int // of each element; -1 where a pool leaves it out
	locks  []sync.Mutex
}

func newPooling(st *stage, dst []ciphertext) *pooling {
	p := &pooling{dst: dst, output: make([]int, st.between), locks: make([]sync.Mutex, len(dst))}
	for k := range p.output {
		p.output[k] = k
	}
	if st.pool != nil {
		for k := range p.output {
			p.output[k] = -1
		}
		for o := range st.outputs {
			in, _ := st.pool.Row(o)
			for _, k := range in {
				p.output[k] = o
			}
		}
	}
	return p
}

// add takes element k, c, into its output.
func (s *evaluator) add(p *pooling, k int, c ciphertext) {
	o := p.output[k]
	if o < 0 {
		s.pool.drop(c)
		return
	}
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
