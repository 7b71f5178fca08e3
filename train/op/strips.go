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
	// taps of p are first, first+step, ... below end; partner is the least of
	// their partners.
	taps func(p int) (first, end, step, partner int)
}

// forward: position p meets the input at p*stride + i*dilation - padding for tap i.
// d is the dimension, size the input's extent in it.
func (g geometry) forward(d, positions, size int) side {
	stride, dilation, kernel, padding := g.Stride[d], g.Dilation[d], g.Kernel[d], g.Before[d]
	return side{positions, func(p int) (first, end, step, partner int) {
		at := p*stride - padding
		first, end = up(max(0, -at), dilation), min(kernel, up(max(0, size-at), dilation))
		return first, max(first, end), 1, at + first*dilation
	}}
}

// up is a/b rounded up, for a >= 0.
func up(a, b int) int { return (a + b - 1) / b }

// backward: position p was met through tap i by the output
// (p + padding - i*dilation)/stride if that is whole and inside.
func (g geometry) backward(d, positions, size int) side {
	stride, dilation, kernel, padding := g.Stride[d], g.Dilation[d], g.Kernel[d], g.Before[d]
	step, _ := g.partners(d)
	return side{positions, func(p int) (first, end, _, partner int) {
		at := p + padding
		// Taps with 0 <= at - i*dilation <= (size-1)*stride.
		first, end = up(max(0, at-(size-1)*stride), dilation), min(kernel, at/dilation+1)
		whole := false
		for tries := 0; tries < step && first < end; tries++ {
			if whole = (at-first*dilation)%stride == 0; whole {
				break
			}
			first++
		}
		if !whole {
			return 0, 0, step, 0
		}
		last := first + (end-1-first)/step*step
		return first, end, step, (at - last*dilation) / stride
	}}
}

// partners says, for dimension d, how far apart the taps are that meet one position
// of the input, and how far apart the outputs through which they do: the next tap's
// is that much before.
func (g geometry) partners(d int) (taps, outputs int) {
	a, b := g.Stride[d], g.Dilation[d]
	for b != 0 {
		a, b = b, a%b
	}
	return g.Stride[d] / a, g.Dilation[d] / a
}

// forwardStrips make the output from the input, of one group.
func (g geometry) forwardStrips() []strip {
	vertical, horizontal := g.forward(0, g.oh, g.h), g.forward(1, g.ow, g.w)
	return strips(vertical, horizontal, g.n, g.w, g.Stride[1] == 1, func(i, j, rows, columns int) []f32.Term {
		var terms []f32.Term
		for c := range g.channels() {
			for y := range rows {
				for x := range columns {
					terms = append(terms, f32.Term{
						A: (c*g.Kernel[0]+i+y)*g.Kernel[1] + j + x,
						B: ((c*g.h+y*g.Dilation[0])*g.w + x*g.Dilation[1]) * g.n,
					})
				}
			}
		}
		return terms
	})
}

// backwardStrips make the input's gradient from the output's, of one group.
func (g geometry) backwardStrips() []strip {
	vertical, horizontal := g.backward(0, g.h, g.oh), g.backward(1, g.w, g.ow)
	down, below := g.partners(0)
	right, beside := g.partners(1)
	return strips(vertical, horizontal, g.n, g.ow, g.Stride[1] == 1, func(i, j, rows, columns int) []f32.Term {
		var terms []f32.Term
		for o := range g.outputs() {
			for y := range rows {
				for x := range columns {
					// Later taps have earlier partners.
					terms = append(terms, f32.Term{
						A: o*g.taps() + (i+y*down)*g.Kernel[1] + j + x*right,
						B: ((o*g.oh+(rows-1-y)*below)*g.ow + (columns-1-x)*beside) * g.n,
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
