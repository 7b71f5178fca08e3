package tfhe

import (
	"context"
	"fmt"
	"time"

	"qtool/he"
	"qtool/internal/parallel"
)

// Server evaluates the program on ciphertexts with a client's evaluation keys. No
// field of it can hold a secret key. It is not safe for concurrent use; it
// spreads its work over the plan's workers itself.
type Server struct {
	plan     *Plan
	keys     *EvaluationKeys
	rotators []*rotator
	smallKey [][]smallKey   // of each worker: a batch's
	seconds  he.NodeSeconds // by program node
}

// batch is how many look-ups a worker does at once, reading the keys once for
// all. Their accumulators should stay in the cache.
const batch = 4

// NewServer returns a *KeyError if the keys have other parameters than the plan.
func NewServer(p *Plan, keys *EvaluationKeys) (*Server, error) {
	if keys.params.ParametersLiteral != p.params.ParametersLiteral {
		return nil, &KeyError{What: "evaluation key", Got: keys.params.ParametersLiteral, Want: p.params.ParametersLiteral}
	}
	s := &Server{plan: p, keys: keys, seconds: make(he.NodeSeconds, len(p.program.Nodes))}
	for range p.workers {
		s.rotators = append(s.rotators, newRotator(p.params, keys, batch))
		cts := make([]smallKey, batch)
		for i := range cts {
			cts[i] = make(smallKey, p.params.Dimension+1)
		}
		s.smallKey = append(s.smallKey, cts)
	}
	return s, nil
}

// observer sees a layer's look-ups as they end: the inputs of the blind rotations
// and the outputs, kept being nil where there is no exact ciphertext; of the last layer,
// the logits alone. For verification.
type observer interface {
	lookup(layer, o int, in smallKey, out bigKey, kept exact)
}

// Evaluate returns the encrypted logits of a sample. progress, if not nil, is
// called from one goroutine at a time with the number of look-ups just done.
//
// It returns a *KeyError for a sample encrypted under another key, and an error
// for one of another plan.
func (s *Server) Evaluate(ctx context.Context, in *Input, progress func(lookups int)) (*Output, error) {
	return s.evaluate(ctx, in, progress, nil)
}

func (s *Server) evaluate(ctx context.Context, in *Input, progress func(int), watch observer) (*Output, error) {
	p := s.plan
	if err := p.belongs("input", in.plan, in.id, s.keys.id); err != nil {
		return nil, err
	}
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
			s.clock(l.linearNode, start)
			return &Output{params: in.params, plan: p.hash, id: in.id, exact: logits}, nil
		}
		accs := p.params.newBigKeys(l.n)
		if err := p.params.linear(ctx, p.workers, accs, values, l); err != nil {
			return nil, err
		}
		s.clock(l.linearNode, start)
		if l.tables == nil {
			return &Output{params: in.params, plan: p.hash, id: in.id, logits: accs}, nil
		}
		start = time.Now()
		keep := p.newKept(l.first, l.n)
		if err := s.lookups(ctx, accs, keep, i, progress, watch); err != nil {
			return nil, err
		}
		s.clock(l.tableNode, start)
		values, kept = append(values, accs...), append(kept, keep...)
		for _, b := range p.free[i] {
			clear(values[b.from:b.to])
		}
	}
	panic("tfhe: a plan has no last layer")
}

func (s *Server) clock(node int, start time.Time) {
	if node != noNode {
		s.seconds[node] += time.Since(start).Seconds()
	}
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
func (s *Server) lookups(ctx context.Context, cts []bigKey, kept []exact, i int, progress func(int), watch observer) error {
	p := s.plan
	l := &p.layers[i]
	out := p.encodings[l.first : l.first+l.n]
	// Batches are smaller where there would be too few for the workers.
	size := max(1, min(batch, (len(cts)+p.workers-1)/p.workers))
	tasks := (len(cts) + size - 1) / size
	done := make(chan int, p.workers) // sizes of finished batches
	return parallel.Run(ctx, p.workers, tasks, func(w, task int) error {
		from, to := task*size, min((task+1)*size, len(cts))
		r, in := s.rotators[w], s.smallKey[w][:to-from]
		acc := make([][]uint32, len(in))
		for k := range in {
			acc[k] = in[k]
		}
		s.keys.keySwitch(acc, cts[from:to])
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
			if watch != nil {
				watch.lookup(i, o, in[k], cts[o], kept[o])
			}
		}
		done <- to - from
		return nil
	}, func() {
		if n := <-done; progress != nil {
			progress(n)
		}
	})
}
