package bgv

import "time"

// worker is what one goroutine computes with.
type worker struct {
	rows   []uint64    // a bunch's, at every place of its windows
	pooled []uint64    // an element
	acc    [2][]uint64 // of Horner's rule
	tiles  [][]uint64  // of buffers that live within a segment
	joined [2][]uint64 // of the sources of a stage
	poly   [][]uint64  // of N coefficients, for rescales
	spare  []uint64    // of N coefficients
	span   [][]uint64  // digits of some polynomials, for one prime
	digits [][]uint64  // of a polynomial
	clock  *clock      // nil on tiles that are not timed
}

func (p *Plan) newWorker() *worker {
	w := &worker{}
	width, rows := 0, 0
	var tiles []int
	var joined [2]int
	for i := range p.circuit.segments {
		stages := p.circuit.segments[i].stages
		for k := range stages {
			st := &stages[k]
			width = max(width, (st.outDegree+1)*block)
			for _, b := range p.shared[i][k].bunches {
				rows = max(rows, b.outputs*len(b.windows)*(st.inDegree+1)*block)
			}
			if b := &p.circuit.buffers[st.to]; b.tile != noTile {
				for len(tiles) <= b.tile {
					tiles = append(tiles, 0)
				}
				tiles[b.tile] = max(tiles[b.tile], b.words())
			}
			for j, from := range st.sources() {
				if len(from.parts) > 1 {
					joined[j] = max(joined[j], from.elements*(from.degree+1)*block)
				}
			}
		}
	}
	w.rows = make([]uint64, rows)
	for _, v := range []*[]uint64{&w.pooled, &w.acc[0], &w.acc[1]} {
		*v = make([]uint64, width)
	}
	for _, n := range tiles {
		w.tiles = append(w.tiles, make([]uint64, n))
	}
	for j, n := range joined {
		w.joined[j] = make([]uint64, n)
	}
	w.spare = make([]uint64, p.Slots())
	return w
}

// place is where a segment is evaluated: a block of the tensors that hold the limb of the
// buffers.
type place struct {
	circuit *circuit
	tensors []*tensor // by buffer, of one limb; nil for those that live within a segment
	at      int
}

// tile is the tile of a buffer.
func (w *worker) tile(p *place, buffer int) []uint64 {
	b := &p.circuit.buffers[buffer]
	if b.tile != noTile {
		return w.tiles[b.tile][:b.words()]
	}
	return p.tensors[buffer].tile(0, p.at)
}

// segment evaluates a segment's stages at one place.
func (w *worker) segment(p *place, stages []stage, shared []*shared, consts []constants) {
	for k := range stages {
		st, c := &stages[k], &consts[k]
		dst, src := w.tile(p, st.to), w.source(p, &st.from, 0, c)
		if st.by != nil {
			w.product(dst, src, w.source(p, st.by, 1, c), st, shared[k], c)
			continue
		}
		for i := range shared[k].bunches {
			w.bunch(dst, src, &shared[k].bunches[i], st, shared[k], c)
		}
	}
}

// product evaluates the products of the elements of x and y.
func (w *worker) product(dst, x, y []uint64, st *stage, s *shared, c *constants) {
	start := w.clock.now()
	dx, dy, d := (st.from.degree+1)*block, (st.by.degree+1)*block, (st.outDegree+1)*block
	for i := range st.outputs {
		c.dots(dst[i*d:][:d], x[i*dx:][:dx], y[i*dy:][:dy], s.products[0])
	}
	w.clock.add(st.node.poly, start)
}

// source is what a stage reads: a range of a buffer's tile, or a copy of several that
// are brought to one degree and one scale.
func (w *worker) source(p *place, from *source, number int, c *constants) []uint64 {
	width := (from.degree + 1) * block
	if len(from.parts) == 1 {
		one := from.parts[0]
		return w.tile(p, one.Buffer)[one.From*width : one.To*width]
	}
	joined := w.joined[number][:from.elements*width]
	at := 0
	for k, part := range from.parts {
		have := (p.circuit.buffers[part.Buffer].degree + 1) * block
		tile := w.tile(p, part.Buffer)
		for e := part.From; e < part.To; e++ {
			to, x := joined[at:][:width], tile[e*have:][:have]
			if l := &c.lifts[number][k]; l.needed {
				c.m.Scale(to[:have], x, l.factor)
			} else {
				copy(to, x)
			}
			clear(to[have:])
			at += width
		}
	}
	return joined
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
