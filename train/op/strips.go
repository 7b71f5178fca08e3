package op

import "qtool/kernel/f32"

// strip is a run of n values of the result, in every channel at once, that the
// same terms make: neighbouring pixels of one row, all images of each.
type strip struct {
	dst, src, n int // where it begins in a channel, and its terms' zero
	terms       []f32.Term
}

// side is one dimension of a convolution from the view of its result: how many
// positions it has, and for position p the taps that have a partner there and
// the partner of the first of them in memory order.
type side struct {
	positions int
	// taps of p are first, first+step, ... below end; partner is that of the tap
	// with the smallest one.
	taps func(p int) (first, end, step, partner int)
}

// forward: position p meets the input at p*stride+i-padding for tap i.
func (g geometry) forward(positions, size int) side {
	return side{positions, func(p int) (first, end, step, partner int) {
		at := p*g.stride - g.padding
		first, end = max(0, -at), min(g.k, size-at)
		return first, max(first, end), 1, at + first
	}}
}

// backward: position p was met through tap i by the output (p+padding-i)/stride
// if that is whole and inside.
func (g geometry) backward(positions, size int) side {
	return side{positions, func(p int) (first, end, step, partner int) {
		at := p + g.padding
		first = max(0, at-(size-1)*g.stride)
		first += (at - first) % g.stride
		end = max(first, min(g.k, at+1))
		last := first + (end-1-first)/g.stride*g.stride
		return first, end, g.stride, (at - last) / g.stride
	}}
}

// forwardStrips make the output from the input.
func (g geometry) forwardStrips() []strip {
	return strips(g.forward(g.oh, g.h), g.forward(g.ow, g.w), g.n, g.w, g.stride == 1, func(i, j, rows, columns int) []f32.Term {
		var terms []f32.Term
		for c := range g.c {
			for y := range rows {
				for x := range columns {
					terms = append(terms, f32.Term{A: (c*g.k+i+y)*g.k + j + x, B: ((c*g.h+y)*g.w + x) * g.n})
				}
			}
		}
		return terms
	})
}

// backwardStrips make the input's gradient from the output's.
func (g geometry) backwardStrips() []strip {
	return strips(g.backward(g.h, g.oh), g.backward(g.w, g.ow), g.n, g.ow, g.stride == 1, func(i, j, rows, columns int) []f32.Term {
		var terms []f32.Term
		for o := range g.o {
			for y := range rows {
				for x := range columns {
					// Later taps have earlier partners.
					terms = append(terms, f32.Term{
						A: o*g.taps() + (i+y*g.stride)*g.k + j + x*g.stride,
						B: ((o*g.oh+rows-1-y)*g.ow + columns - 1 - x) * g.n,
					})
				}
			}
		}
		return terms
	})
}

// strips covers a result of vertical x horizontal positions of n values. terms
// makes the terms of a set of rows x columns taps, the first of them (i, j);
// partners are in rows of width pixels. Where slide is true, neighbours with
// the same taps have neighbours for partners, and join.
func strips(vertical, horizontal side, n, width int, slide bool, terms func(i, j, rows, columns int) []f32.Term) []strip {
	type set struct{ i, j, rows, columns int }
	known := map[set][]f32.Term{}
	var all []strip
	for y := range vertical.positions {
		i, iEnd, step, py := vertical.taps(y)
		rows := (iEnd - i + step - 1) / step
		var before set
		for x := range horizontal.positions {
			j, jEnd, step, px := horizontal.taps(x)
			s := set{i, j, rows, (jEnd - j + step - 1) / step}
			if s.rows == 0 || s.columns == 0 {
				s = set{}
			}
			if x > 0 && s == before && (slide || s.rows == 0) {
				all[len(all)-1].n += n
				continue
			}
			before = s
			next := strip{dst: (y*horizontal.positions + x) * n, n: n}
			if s.rows > 0 {
				if known[s] == nil {
					known[s] = terms(s.i, s.j, s.rows, s.columns)
				}
				next.terms, next.src = known[s], (py*width+px)*n
			}
			all = append(all, next)
		}
	}
	return all
}
