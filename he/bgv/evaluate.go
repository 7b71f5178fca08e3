package bgv

import "time"

// worker is what one goroutine computes with.
type worker struct {
	rows   []uint64    // a bunch's, at every place of its windows
	pooled []uint64    // an element
	acc    [2][]uint64 // of Horner's rule
	tiles  [2][]uint64 // between the stages of a segment
	poly   [][]uint64  // of N coefficients, for rescales
	clock  *clock      // nil on tiles that are not timed
}

func (p *Plan) newWorker() *worker {
	w := &worker{}
	width, rows := 0, 0
	for i := range p.segments {
		stages := p.segments[i].stages
		for k := range stages {
			st := &stages[k]
			width = max(width, (st.outDegree+1)*block)
			for _, b := range p.shared[i][k].bunches {
				rows = max(rows, b.outputs*len(b.windows)*(st.inDegree+1)*block)
			}
			if k+1 < len(stages) {
				at := &w.tiles[k%2]
				*at = make([]uint64, max(len(*at), st.outputs*(st.outDegree+1)*block))
			}
		}
	}
	w.rows = make([]uint64, rows)
	for _, v := range []*[]uint64{&w.pooled, &w.acc[0], &w.acc[1]} {
		*v = make([]uint64, width)
	}
	dropped := 0
	for _, n := range p.layout.drops {
		dropped = max(dropped, n)
	}
	for range dropped + 2 {
		w.poly = append(w.poly, make([]uint64, p.Slots()))
	}
	return w
}

// segment evaluates a segment's stages on one tile.
func (w *worker) segment(dst, src []uint64, stages []stage, shared []*shared, consts []constants) {
	for k := range stages {
		to := dst
		if k+1 < len(stages) {
			st := &stages[k]
			to = w.tiles[k%2][:st.outputs*(st.outDegree+1)*block]
		}
		for i := range shared[k].bunches {
			w.bunch(to, src, &shared[k].bunches[i], &stages[k], shared[k], &consts[k])
		}
		src = to
	}
}

// bunch evaluates some outputs of a stage on one tile. dst must not overlap src.
func (w *worker) bunch(dst, src []uint64, b *bunch, st *stage, s *shared, c *constants) {
	width, inWidth := (st.outDegree+1)*block, (st.inDegree+1)*block
	out := func(i int) []uint64 { return dst[(b.first+i*b.step)*width:][:width] }
	if st.poly == nil && st.pool == nil {
		w.linear(dst[b.first*width:], b.step*width, src, &b.windows[0], st, c)
		return
	}
	n := b.outputs * inWidth
	for k := range b.windows {
		w.linear(w.rows[k*n:], inWidth, src, &b.windows[k], st, c)
	}
	start := w.clock.now()
	for i := range b.outputs {
		to := out(i)
		x := w.rows[i*inWidth : (len(b.windows)-1)*n+(i+1)*inWidth]
		if c.squares {
			c.dots(to, x, x, b.squares)
			continue
		}
		for k := range b.windows {
			at := to
			if k > 0 {
				at = w.pooled[:width]
			}
			if one := x[k*n:][:inWidth]; st.poly == nil {
				copy(at, one)
			} else {
				c.polynomial(at, one, c.channel(b.windows[k].rows[i], st.between), s.products, &w.acc)
			}
			if k > 0 {
				c.m.Add(to, to, at)
			}
		}
	}
	// A fused pool's additions are inseparable from its products.
	if st.poly != nil {
		w.clock.add(st.node.poly, start)
	} else {
		w.clock.add(st.node.pool, start)
	}
}

// linear is rows of a stage's linear map, or copies of elements if it has none.
// Only c_0 has constants.
func (w *worker) linear(dst []uint64, stride int, src []uint64, r *bunchRows, st *stage, c *constants) {
	width := (st.inDegree + 1) * block
	if st.rows == nil {
		for i, e := range r.rows {
			copy(dst[i*stride:][:width], src[e*width:])
		}
		return
	}
	start := w.clock.now()
	var bias [maxBunch]uint64
	for i, o := range r.rows {
		bias[i] = c.bias[o]
	}
	weights := c.weights[r.weights]
	weights.Apply(dst, stride, src, r.offsets, bias[:len(r.rows)], block)
	if width > block {
		weights.Apply(dst[block:], stride, src[block:], r.offsets, nil, width-block)
	}
	w.clock.add(st.node.rows, start)
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
