package lstm

import (
	"context"
	"fmt"
	"sync"

	"qtool/he"
	"qtool/he/packed/engine"
	"qtool/internal/parallel"
)

// Server evaluates the program on batches. It knows the plan, the program and
// evaluation keys; no field of it can hold a secret key. It is safe for concurrent use, and
// implements he.Server; it spreads its work over the plan's workers itself.
type Server struct {
	pair   [32]byte // the hash that everything it reads and writes carries
	plan   *Plan
	half   *half
	engine *engine.Engine

	mu   sync.Mutex
	idle [][]*encoder // an evaluation's, one a worker
}

var _ he.Server = (*Server)(nil)

// NewServer implements he.Halves.
func (p *Plan) NewServer(ctx context.Context, spec [32]byte) (he.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := newServer(p, spec)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newServer(p *Plan, pair [32]byte) (*Server, error) {
	h, err := p.half()
	if err != nil {
		return nil, err
	}
	e, err := engine.New(h.params.Parameters, p.workers, 0)
	if err != nil {
		return nil, fmt.Errorf("lstm: %w", err)
	}
	return &Server{pair: pair, plan: p, half: h, engine: e}, nil
}

// encoders are as many as there are workers, for one evaluation, and done gives them back.
func (s *Server) encoders() (all []*encoder, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		all, s.idle = s.idle[n-1], s.idle[:n-1]
	} else {
		for range s.plan.workers {
			all = append(all, newEncoder(s.half))
		}
	}
	return all, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.idle = append(s.idle, all)
	}
}

// operations are counted for progress: linear maps, gates, the cell and the
// output of every step, and the logits.
func (p *Plan) operations() int { return 7*p.cell.steps + 1 }

// evaluate gives the encrypted logits of a batch. It refuses keys and inputs of
// another plan before any work. done, if not nil, is called after each of
// Plan.operations operations.
func (s *Server) evaluate(ctx context.Context, in *Inputs, keys *EvaluationKeys, done func()) (*Outputs, error) {
	p := s.plan
	if err := keys.check(s.half, s.pair); err != nil {
		return nil, err
	}
	if err := in.check(s.half, s.pair, keys.id); err != nil {
		return nil, err
	}
	encoders, idle := s.encoders()
	defer idle()
	e := &evaluation{Server: s, ctx: ctx, keys: keys, done: done, encoders: encoders}
	for t := range p.cell.steps {
		if err := e.step(t, in.steps[t]); err != nil {
			return nil, err
		}
	}
	limbs := p.cell.limbs(p.cell.steps)
	one := make([]float64, len(p.cell.w))
	for o := range one {
		one[o] = p.shared.out
	}
	logits, err := e.linear(limbs, []engine.Ciphertext{e.h.Limit(limbs)}, []float64{p.shared.h}, []affine{{[][][]float64{p.cell.w}, p.cell.b, one}})
	if err != nil {
		return nil, err
	}
	return &Outputs{s.pair, in.id, logits[0]}, nil
}

// evaluation is one batch on its way.
type evaluation struct {
	*Server
	ctx  context.Context
	keys *EvaluationKeys
	done func()
	// encoders are one a worker.
	encoders []*encoder
	c, h     engine.Ciphertext // nil before the first step
}

func (e *evaluation) tick() error {
	if e.done != nil {
		e.done()
	}
	return e.ctx.Err()
}

// step replaces the state by that behind step t.
func (e *evaluation) step(t int, x []engine.Ciphertext) error {
	p, c := e.plan, e.plan.cell
	f := c.factors(p.shared, c.limbs(t), p.primes)
	in, factors := x, make([]float64, len(x), len(x)+1)
	for i := range factors {
		factors[i] = p.shared.x
	}
	if t > 0 {
		in = append(append([]engine.Ciphertext{}, x...), e.h.Limit(f.limbs))
		factors = append(factors, p.shared.h)
	}
	var maps []affine
	for g := range c.gates {
		gate := &c.gates[g]
		m := affine{bias: gate.b, factor: f.z[g]}
		for k := range x {
			m.parts = append(m.parts, columns(gate.x, k*p.blocks, p.blocks))
		}
		if t > 0 {
			m.parts = append(m.parts, gate.h)
		}
		maps = append(maps, m)
	}
	z, err := e.linear(f.limbs, in, factors, maps)
	if err != nil {
		return err
	}
	var gates [4]engine.Ciphertext
	for g := range gates {
		if gates[g], err = e.gate(&c.gates[g], f.z[g], f.gate[g], f.q[1], z[g]); err != nil {
			return err
		}
	}
	limbs := f.limbs - 3
	pairs := [][2]engine.Ciphertext{{gates[gateI], gates[gateG]}}
	if t > 0 {
		pairs = append(pairs, [2]engine.Ciphertext{gates[gateF], e.c.Limit(limbs)})
	}
	if e.c, err = e.engine.SumProducts(pairs, nil, e.keys); err != nil {
		return err
	}
	if err := e.tick(); err != nil {
		return err
	}
	e.h, err = e.output(&f, gates[gateO].Limit(limbs-1))
	if err != nil {
		return err
	}
	return e.tick()
}

// columns is m's columns from a on, at most n.
func columns(m [][]float64, a, n int) [][]float64 {
	out := make([][]float64, len(m))
	for i, row := range m {
		out[i] = row[a:min(a+n, len(row))]
	}
	return out
}

// gate is a_3 z^3 + a_2 z^2 + a_1 z + a_0 with the factor out, as
//
//	((F z)^2 + alpha (F z)) / q_1 + beta) (F z) / q_2 + out a_0,
//	alpha = F a_2/a_3,   beta = F^2 a_1 / (a_3 q_1).
//
// It consumes two primes.
func (e *evaluation) gate(g *gate, z, out []float64, q1 float64, ct engine.Ciphertext) (engine.Ciphertext, error) {
	limbs := ct.Limbs()
	w, err := e.square(ct, g.poly, z, q1)
	if err != nil {
		return nil, err
	}
	y, err := e.engine.SumProducts([][2]engine.Ciphertext{{w, ct.Limit(limbs - 1)}}, nil, e.keys)
	if err != nil {
		return nil, err
	}
	err = e.add(y, func(u int) float64 { return out[u] * g.poly[u][0] })
	if err == nil {
		err = e.tick()
	}
	return y, err
}

// square is the quadratic factor of monic cubics of ct, whose factor is f, without
// their constants.
func (e *evaluation) square(ct engine.Ciphertext, poly [][4]float64, f []float64, q float64) (engine.Ciphertext, error) {
	term, err := e.term(ct, func(u int) float64 { return f[u] * poly[u][2] / poly[u][3] })
	if err != nil {
		return nil, err
	}
	w, err := e.engine.SumProducts([][2]engine.Ciphertext{{ct, ct}}, term, e.keys)
	if err != nil {
		return nil, err
	}
	return w, e.add(w, func(u int) float64 { return f[u] * f[u] * poly[u][1] / (poly[u][3] * q) })
}

// output is h' = output o (cubic of c'), for o with as many primes as c'.
func (e *evaluation) output(f *factors, o engine.Ciphertext) (engine.Ciphertext, error) {
	c, k := e.plan.cell, e.plan.shared
	product, err := e.engine.SumProducts([][2]engine.Ciphertext{{o, e.c}}, nil, e.keys)
	if err != nil || c.cell == nil {
		return product, err
	}
	same := make([]float64, c.hidden)
	for u := range same {
		same[u] = k.c
	}
	square, err := e.square(e.c, c.cell, same, f.q[4])
	if err != nil {
		return nil, err
	}
	// The cubic's constant times o.
	term, err := e.term(o.Limit(product.Limbs()), func(u int) float64 {
		return k.h * c.output * c.cell[u][0] * f.q[5] / f.gate[gateO][u]
	})
	if err != nil {
		return nil, err
	}
	return e.engine.SumProducts([][2]engine.Ciphertext{{product, square}}, term, e.keys)
}

// values are f(u) of every element u of the state, and whether any is not 0.
func (e *evaluation) values(f func(u int) float64) (v []float64, some bool) {
	v = make([]float64, e.plan.cell.hidden)
	for u := range v {
		v[u] = f(u)
		some = some || v[u] != 0
	}
	return v, some
}

// term is ct times a plaintext of an integer an element; none if all are 0.
func (e *evaluation) term(ct engine.Ciphertext, f func(u int) float64) ([]engine.Term, error) {
	v, some := e.values(f)
	if !some {
		return nil, nil
	}
	plain := e.engine.NewPoly(ct.Limbs())
	if err := e.encoders[0].blocks(plain, v, use{multiply: true}); err != nil {
		return nil, err
	}
	return []engine.Term{{Ct: ct, Plain: plain}}, nil
}

// add adds a constant an element to ct.
func (e *evaluation) add(ct engine.Ciphertext, f func(u int) float64) error {
	v, some := e.values(f)
	if !some {
		return nil
	}
	return e.addBlocks(ct, v)
}

func (e *evaluation) addBlocks(ct engine.Ciphertext, v []float64) error {
	plain := e.engine.NewPoly(ct.Limbs())
	if err := e.encoders[0].blocks(plain, v, use{}); err != nil {
		return err
	}
	e.engine.AddPlain(ct, plain)
	e.engine.Free(plain)
	return nil
}

// affine is factor (sum parts[i] v_i + bias), a row an element of the output.
type affine struct {
	parts  [][][]float64
	bias   []float64
	factor []float64
}

// linear evaluates maps of the inputs in, whose factors are given. It consumes one
// prime.
func (e *evaluation) linear(limbs int, in []engine.Ciphertext, factors []float64, maps []affine) ([]engine.Ciphertext, error) {
	p := e.plan
	l := &engine.Linear{Limbs: limbs, Rescale: 1, Extended: true}
	babies := make([]int, p.split.babies)
	for b := range babies {
		babies[b] = b * p.Slots()
	}
	for range in {
		l.Babies = append(l.Babies, babies)
	}
	type job struct {
		dst    engine.Poly
		values []float64
	}
	var jobs []job
	q := p.primes[limbs-1]
	for _, m := range maps {
		var giants []engine.Giant
		for g := range p.split.giants {
			giant := engine.Giant{Step: g * p.split.babies * p.Slots()}
			for i, part := range m.parts {
				for b := range babies {
					values, some := p.diagonal(part, g*p.split.babies, b, func(o int) float64 { return m.factor[o] * q / factors[i] })
					if !some {
						continue
					}
					dst := e.engine.NewPoly(limbs + p.params.PCount())
					jobs = append(jobs, job{dst, values})
					giant.Products = append(giant.Products, engine.Product{Ct: i, Baby: b, Diagonal: dst})
				}
			}
			giants = append(giants, giant)
		}
		l.Outputs = append(l.Outputs, giants)
	}
	err := parallel.Run(e.ctx, p.workers, len(jobs), func(w, i int) error {
		return e.encoders[w].blocks(jobs[i].dst, jobs[i].values, use{multiply: true, extended: true})
	}, nil)
	if err != nil {
		return nil, err
	}
	out, err := e.engine.Apply(e.ctx, l, in, e.keys)
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		e.engine.Free(j.dst)
	}
	for i, m := range maps {
		v := make([]float64, len(m.bias))
		for o := range v {
			v[o] = m.factor[o] * m.bias[o]
		}
		if err := e.addBlocks(out[i], v); err != nil {
			return nil, err
		}
	}
	return out, e.tick()
}

// diagonal is the diagonal giant+baby of a matrix, an element a block, in the order that
// it has before the rotation by giant blocks, and whether any element is not 0:
//
//	values[o + giant] = scale(o) m[o][(o + giant + baby) mod blocks]
func (p *Plan) diagonal(m [][]float64, giant, baby int, scale func(o int) float64) (values []float64, some bool) {
	values = make([]float64, p.blocks)
	for o, row := range m {
		if j := (o + giant + baby) % p.blocks; j < len(row) && row[j] != 0 {
			values[(o+giant)%p.blocks] = scale(o) * row[j]
			some = true
		}
	}
	return values, some
}
