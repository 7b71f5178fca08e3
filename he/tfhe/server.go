package tfhe

import (
	"context"
	"fmt"
	"sync"
	"time"

	"qtool/he"
	"qtool/internal/parallel"
)

// Server evaluates the program on ciphertexts with a client's evaluation keys. No
// field of it can hold a secret key. It is safe for concurrent use, and implements
// he.Server; each evaluation spreads its work over the plan's workers itself.
type Server struct {
	plan *Plan
	pair [32]byte // the hash that everything it reads and writes carries

	lock sync.Mutex
	free []*worker // that nothing works with, whose keys are nil
}

var _ he.Server = (*Server)(nil)

// worker is what one goroutine looks up with.
type worker struct {
	*rotator
	smallKeys []smallKey // a batch's
}

// batch is how many look-ups a worker does at once, reading the keys once for
// all: as many as have 8 accumulators of 2^11 coefficients, which stay in the cache.
func (l *ParametersLiteral) batch() int { return max(1, 8<<11>>l.logPositions()) }

func newServer(p *Plan, pair [32]byte) *Server { return &Server{plan: p, pair: pair} }

func (p *Parameters) newWorker() *worker {
	w := &worker{rotator: newRotator(p, nil, p.batch())}
	for range p.batch() {
		w.smallKeys = append(w.smallKeys, make(smallKey, p.Dimension+1))
	}
	return w
}

// workers are as many as the plan has, with the keys; release gives them back.
func (s *Server) workers(keys *EvaluationKeys) (all []*worker, release func()) {
	s.lock.Lock()
	n := max(0, len(s.free)-s.plan.workers)
	all = append(all, s.free[n:]...)
	clear(s.free[n:])
	s.free = s.free[:n]
	s.lock.Unlock()
	for len(all) < s.plan.workers {
		all = append(all, s.plan.params.newWorker())
	}
	for _, w := range all {
		w.keys = keys
	}
	return all, func() {
		for _, w := range all {
			w.keys = nil
		}
		s.lock.Lock()
		defer s.lock.Unlock()
		s.free = append(s.free, all...)
	}
}

// evaluation is what an evaluation tells besides its result; the zero value tells nothing.
type evaluation struct {
	// progress is called from one goroutine at a time with the number of look-ups just
	// done.
	progress func(lookups int)
	watch    observer
	// seconds, if not nil, are added to, by program node.
	seconds he.NodeSeconds
}

func (v *evaluation) clock(node int, start time.Time) {
	if v.seconds != nil && node != noNode {
		v.seconds[node] += time.Since(start).Seconds()
	}
}

// observer sees a layer's look-ups as they end: the inputs of the blind rotations
// and the outputs, kept being nil where there is no exact ciphertext; of the last layer,
// the logits alone. For verification.
type observer interface {
	lookup(layer, o int, in smallKey, out bigKey, kept exact)
}

// evaluate returns the encrypted logits of a sample. It refuses keys and samples of other
// halves or keys before any work.
func (s *Server) evaluate(ctx context.Context, keys *EvaluationKeys, in *Input, v *evaluation) (*Output, error) {
	p := s.plan
	if keys.params.ParametersLiteral != p.params.ParametersLiteral {
		return nil, fmt.Errorf("tfhe: evaluation keys for %v, want %v", &keys.params.ParametersLiteral, &p.params.ParametersLiteral)
	}
	if err := belongs("evaluation keys", keys.pair, s.pair, keys.id, keys.id); err != nil {
		return nil, err
	}
	if err := belongs("input", in.pair, s.pair, in.id, keys.id); err != nil {
		return nil, err
	}
	workers, release := s.workers(keys)
	defer release()
	values, kept, err := s.unpack(in)
	if err != nil {
		return nil, err
	}
	for i := range p.layers {
		l := &p.layers[i]
		start := time.Now()
		if l.tables == nil && l.precise {
			logits := p.params.newExacts(l.n)
			if err := p.params.linearExact(ctx, p.workers, logits, kept, l); err != nil {
				return nil, err
			}
			v.clock(l.linearNode, start)
			return &Output{pair: s.pair, id: in.id, exact: logits}, nil
		}
		accs := p.params.newBigKeys(l.n)
		if err := p.params.linear(ctx, p.workers, accs, values, l); err != nil {
			return nil, err
		}
		v.clock(l.linearNode, start)
		if l.tables == nil {
			return &Output{pair: s.pair, id: in.id, logits: accs}, nil
		}
		start = time.Now()
		keep := p.newKept(l.first, l.n)
		if err := s.lookups(ctx, workers, accs, keep, i, v); err != nil {
			return nil, err
		}
		v.clock(l.tableNode, start)
		values, kept = append(values, accs...), append(kept, keep...)
		for _, b := range p.free[i] {
			clear(values[b.from:b.to])
		}
	}
	panic("tfhe: a plan has no last layer")
}

// unpack makes a big-key ciphertext of every input value, and an exact one of those that
// the last layer of a precise plan reads.
func (s *Server) unpack(in *Input) ([]bigKey, []exact, error) {
	p := s.plan.params
	n, count := p.N(), s.plan.inputs()
	if len(in.parts) != (count+n-1)/n {
		return nil, nil, fmt.Errorf("tfhe: input of %d ring ciphertexts, want %d", len(in.parts), (count+n-1)/n)
	}
	values, kept := p.newBigKeys(count), s.plan.newKept(0, count)
	words := make([]uint32, n)
	for k, part := range in.parts {
		gain := 0 // of the words, 0 before there are any
		for j := range min(n, count-k*n) {
			v := k*n + j
			g := 1
			if s.plan.precise() {
				g = s.plan.encodings[v].gain
			}
			if g != gain {
				gain = g
				p.toWords(words, part[1], gain)
			}
			p.extract(values[v], p.modulus.Mul(part[0][j], uint64(gain)), words, j)
			if kept[v] != nil {
				p.extractExact(kept[v], part[0][j], part[1], j)
			}
		}
	}
	return values, kept, nil
}

// lookups replaces every accumulator of layer i by its table's entry, encoded for
// the layers that read it, and fills in the exact ciphertexts of those that are kept.
func (s *Server) lookups(ctx context.Context, workers []*worker, cts []bigKey, kept []exact, i int, v *evaluation) error {
	p := s.plan
	l := &p.layers[i]
	out := p.encodings[l.first : l.first+l.n]
	// Batches are smaller where there would be too few for the workers.
	size := max(1, min(p.params.batch(), (len(cts)+p.workers-1)/p.workers))
	tasks := (len(cts) + size - 1) / size
	done := make(chan int, p.workers) // sizes of finished batches
	return parallel.Run(ctx, p.workers, tasks, func(w, task int) error {
		from, to := task*size, min((task+1)*size, len(cts))
		r, in := workers[w], workers[w].smallKeys[:to-from]
		acc := make([][]uint32, len(in))
		for k := range in {
			acc[k] = in[k]
		}
		r.keys.keySwitch(acc, cts[from:to])
		for k, c := range in {
			p.params.round(c)
			r.start(k, &l.tables[from+k], l.half, c[p.params.Dimension], out[from+k].half)
		}
		if err := r.rotateAll(in, ctx.Err); err != nil {
			return err
		}
		for k := range in {
			o := from + k
			if l.precise {
				r.finishExact(cts[o], kept[o], k, &l.tables[o], &out[o])
			} else {
				r.finish(cts[o], k, &l.tables[o], out[o].half)
			}
			if v.watch != nil {
				v.watch.lookup(i, o, in[k], cts[o], kept[o])
			}
		}
		done <- to - from
		return nil
	}, func() {
		if n := <-done; v.progress != nil {
			v.progress(n)
		}
	})
}
