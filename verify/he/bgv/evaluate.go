package bgv

import "time"

// worker is what one goroutine computes with.
type worker struct {
	scratch
	tiles [2][]uint64 // between the stages of a segment
	poly  [2][]uint64 // of N coefficients, for rescales
	clock *clock      // nil on tiles that are not timed
}

func (p *Plan) newWorker() *worker {
	w := &worker{}
	width := 0
	for i := range p.segments {
		stages := p.segments[i].stages
		for k := range stages {
			st := &stages[k]
			width = max(width, (st.outDegree+1)*block)
			if k+1 < len(stages) {
				at := &w.tiles[k%2]
				*at = make([]uint64, max(len(*at), st.outputs*(st.outDegree+1)*block))
			}
		}
	}
	for _, v := range []*[]uint64{&w.row, &w.pooled, &w.y, &w.acc[0], &w.acc[1]} {
		*v = make([]uint64, width)
	}
	for i := range w.poly {
		w.poly[i] = make([]uint64, p.Slots())
	}
	return w
}

// segment evaluates a segment's stages on one tile.
func (w *worker) segment(dst, src []uint64, stages []stage, consts []constants) {
	for k := range stages {
		to := dst
		if k+1 < len(stages) {
			st := &stages[k]
			to = w.tiles[k%2][:st.outputs*(st.outDegree+1)*block]
		}
		w.stage(to, src, &stages[k], &consts[k])
		src = to
	}
}

// stage evaluates one stage on one tile, output by output. dst must not overlap
// src.
func (w *worker) stage(dst, src []uint64, st *stage, c *constants) {
	width := (st.outDegree + 1) * block
	for o := range st.outputs {
		out := dst[o*width:][:width]
		if st.pool == nil {
			w.element(out, src, o, st, c)
			continue
		}
		window, _ := st.pool.Row(o)
		clear(out)
		for i, in := range window {
			if i == 0 {
				w.element(out, src, int(in), st, c)
				continue
			}
			w.element(w.pooled[:width], src, int(in), st, c)
			start := w.clock.now()
			c.add(out, w.pooled[:width])
			w.clock.add(st.node.pool, start)
		}
	}
}

// element is output i of a stage's linear map and polynomial.
func (w *worker) element(out, src []uint64, i int, st *stage, c *constants) {
	inWidth := (st.inDegree + 1) * block
	var x []uint64
	if st.rows == nil {
		x = src[i*inWidth:][:inWidth]
	} else {
		x = w.row[:inWidth]
		if st.poly == nil {
			x = out
		}
		start := w.clock.now()
		in, weights := st.rows.Row(i)
		c.row(x, src, in, weights)
		c.addConstant(x[:block], c.bias[i])
		w.clock.add(st.node.rows, start)
	}
	switch {
	case st.poly != nil:
		start := w.clock.now()
		c.polynomial(out, x, c.channel(i, st.between), c.factor, &w.scratch)
		w.clock.add(st.node.poly, start)
	case st.rows == nil:
		copy(out, x)
	}
}

// clock adds up the time that nodes take. Only every clockEvery-th tile is
// timed, as looking at the time between all elements would cost much of it. A
// nil clock measures nothing.
type clock struct{ nodes []time.Duration }

const clockEvery = 16

func (c *clock) now() (t time.Time) {
	if c != nil {
		t = time.Now()
	}
	return t
}

func (c *clock) add(node int, start time.Time) {
	if c != nil && node != noNode {
		c.nodes[node] += time.Since(start)
	}
}
