package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// geometry is the shape of a convolution: an input [n, c, h, w], an output
// [n, o, oh, ow], kernel k x k.
type geometry struct {
	n, c, h, w, o, oh, ow, k, stride, padding int
}

func (g geometry) taps() int   { return g.c * g.k * g.k }
func (g geometry) pixels() int { return g.oh * g.ow }

// Conv2D is a cross-correlation with bias and zero padding: x [N, C, H, W],
// weight [O, C, K, K], bias [O], result [N, O, (H+2P-K)/S+1, (W+2P-K)/S+1].
//
// Each image is unfolded into a [C*K*K, pixels] matrix of taps, kept for the
// weights' gradient. With inputGrad false no gradient flows to x.
func Conv2D(x, w, b *G.Node, stride, padding int, inputGrad bool) (*G.Node, error) {
	xs, ws := x.Shape(), w.Shape()
	if len(xs) != 4 || len(ws) != 4 || xs[1] != ws[1] || ws[2] != ws[3] || stride < 1 ||
		ws[2] > xs[2]+2*padding || ws[2] > xs[3]+2*padding {
		return nil, fmt.Errorf("op conv: input %v, weight %v, stride %d, padding %d do not fit", xs, ws, stride, padding)
	}
	g := geometry{n: xs[0], c: xs[1], h: xs[2], w: xs[3], o: ws[0], k: ws[2], stride: stride, padding: padding}
	g.oh, g.ow = (g.h+2*padding-g.k)/stride+1, (g.w+2*padding-g.k)/stride+1
	taps, pixels := g.taps(), g.pixels()
	cols := make([]float32, g.n*taps*pixels)
	o := operation{name: "conv", shape: tensor.Shape{g.n, g.o, g.oh, g.ow}, run: func(y []float32, v [][]float32) {
		x, w, b := v[0], v[1], v[2]
		for r := range g.n {
			m := cols[r*taps*pixels : (r+1)*taps*pixels]
			g.unfold(m, x[r*g.c*g.h*g.w:(r+1)*g.c*g.h*g.w])
			for k := range g.o {
				at := (r*g.o + k) * pixels
				row := y[at : at+pixels]
				for i := range row {
					row[i] = b[k]
				}
				for t := range taps {
					axpy(w[k*taps+t], m[t*pixels:(t+1)*pixels], row)
				}
			}
		}
	}}
	o.diff = gradients{nil, g.weightGrad(cols), biasGrad}
	if inputGrad {
		o.diff[0] = g.inputGrad()
	}
	return apply(o, x, w, b)
}

// weightGrad is dW = sum over images of dy cols^T. The forward output is an
// input of the operation only to say that cols must have been filled before.
func (g geometry) weightGrad(cols []float32) func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
	taps, pixels := g.taps(), g.pixels()
	return func(_ G.Nodes, y, dy *G.Node) (*G.Node, error) {
		shape := tensor.Shape{g.o, g.c, g.k, g.k}
		return apply(operation{name: "conv-dw", shape: shape, run: func(dw []float32, v [][]float32) {
			dy := v[0]
			clear(dw)
			for r := range g.n {
				for k := range g.o {
					at := (r*g.o + k) * pixels
					for t := range taps {
						m := (r*taps + t) * pixels
						dw[k*taps+t] += dot(dy[at:at+pixels], cols[m:m+pixels])
					}
				}
			}
		}}, dy, y)
	}
}

// inputGrad is dx = fold(W^T dy).
func (g geometry) inputGrad() func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
	taps, pixels := g.taps(), g.pixels()
	return func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		row := make([]float32, pixels)
		shape := tensor.Shape{g.n, g.c, g.h, g.w}
		return apply(operation{name: "conv-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			w, dy := v[0], v[1]
			clear(dx)
			for r := range g.n {
				image := dx[r*g.c*g.h*g.w : (r+1)*g.c*g.h*g.w]
				for t := range taps {
					clear(row)
					for k := range g.o {
						at := (r*g.o + k) * pixels
						axpy(w[k*taps+t], dy[at:at+pixels], row)
					}
					g.fold(image, row, t)
				}
			}
		}}, inputs[1], dy)
	}
}

// unfold writes the taps of one image as rows of pixels.
func (g geometry) unfold(dst, x []float32) {
	pixels := g.pixels()
	for t := range g.taps() {
		row := dst[t*pixels : (t+1)*pixels]
		if g.padding > 0 {
			clear(row)
		}
		g.visit(t, func(pixel, at, n int) {
			if g.stride == 1 {
				copy(row[pixel:pixel+n], x[at:at+n])
				return
			}
			for i := range n {
				row[pixel+i] = x[at+i*g.stride]
			}
		})
	}
}

// fold adds tap t's row of pixels back to where unfold read it.
func (g geometry) fold(x, row []float32, t int) {
	g.visit(t, func(pixel, at, n int) {
		for i := range n {
			x[at+i*g.stride] += row[pixel+i]
		}
	})
}

// visit calls f for every output row's run of n pixels, from output index
// pixel, whose tap t lies inside the image, from input index at.
func (g geometry) visit(t int, f func(pixel, at, n int)) {
	ch, i, j := t/(g.k*g.k), t/g.k%g.k, t%g.k
	// first and last output column whose tap is inside the row
	first := max(0, (g.padding-j+g.stride-1)/g.stride)
	last := min(g.ow-1, (g.w-1+g.padding-j)/g.stride)
	if g.w-1+g.padding-j < 0 || first > last {
		return
	}
	for r := range g.oh {
		y := r*g.stride + i - g.padding
		if y < 0 || y >= g.h {
			continue
		}
		f(r*g.ow+first, (ch*g.h+y)*g.w+first*g.stride+j-g.padding, last-first+1)
	}
}
