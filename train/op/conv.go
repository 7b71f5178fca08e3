package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
)

// Window is how a convolution or a pool goes over a picture; [0] is the height,
// [1] the width. Output position p meets the inputs p*Stride + t*Dilation - Before
// for t in 0..Kernel-1; those outside the picture are padding.
type Window struct {
	Kernel, Stride, Dilation, Before, After [2]int
	Groups                                  int // of a convolution's channels
}

// Square is a window of k x k with one stride and one padding for all sides.
func Square(k, stride, padding int) Window {
	return Window{
		Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1},
		Before: [2]int{padding, padding}, After: [2]int{padding, padding}, Groups: 1,
	}
}

// area is how many positions the kernel has.
func (w Window) area() int { return w.Kernel[0] * w.Kernel[1] }

// padded reports whether there is padding.
func (w Window) padded() bool { return w.Before != [2]int{} || w.After != [2]int{} }

// size is the output's height and width for an input of h x w; false where the
// window does not fit.
func (w Window) size(h, wide int) (out [2]int, ok bool) {
	for d, n := range [2]int{h, wide} {
		k, before, after := w.Kernel[d], w.Before[d], w.After[d]
		if k < 1 || w.Stride[d] < 1 || w.Dilation[d] < 1 || before < 0 || after < 0 {
			return out, false
		}
		rest := n + before + after - (k-1)*w.Dilation[d] - 1
		if rest < 0 {
			return out, false
		}
		out[d] = rest/w.Stride[d] + 1
	}
	return out, true
}

// geometry is the shape of a convolution: an input [c, h, w, n], an output
// [o, oh, ow, n].
type geometry struct {
	Window
	n, c, h, w, o, oh, ow int
}

// channels and outputs count the channels and outputs of one group, taps the weights of
// one output channel.
func (g geometry) channels() int { return g.c / g.Groups }
func (g geometry) outputs() int  { return g.o / g.Groups }
func (g geometry) taps() int     { return g.channels() * g.area() }

// in and out are the values of one channel of the input and of the output.
func (g geometry) in() int  { return g.h * g.w * g.n }
func (g geometry) out() int { return g.oh * g.ow * g.n }

// Conv2D is a cross-correlation with bias and zero padding: x [C, H, W, N],
// weight [O, C/Groups, Kernel[0], Kernel[1]], bias [O], result [O, H', W', N] with
//
//	H' = (H + Before + After - (Kernel-1) Dilation - 1)/Stride + 1
//
// rounded down, and W' likewise. Outputs of the g-th part of the O channels read
// the g-th part of the C channels alone.
//
// Nothing is unfolded: a run of neighbouring pixels, of all images, is a product
// of the weights with as many runs of the input as taps fall inside it. With
// inputGrad false no gradient flows to x.
func Conv2D(x, w, b *G.Node, win Window, inputGrad bool) (*G.Node, error) {
	xs, ws, bs := x.Shape(), w.Shape(), b.Shape()
	unfit := fmt.Errorf("op conv: input %v, weight %v, bias %v, window %+v do not fit", xs, ws, bs, win)
	if len(xs) != 4 || len(ws) != 4 || len(bs) != 1 || win.Groups < 1 || xs[0] != win.Groups*ws[1] || ws[0]%win.Groups != 0 || ws[0] != bs[0] ||
		ws[2] != win.Kernel[0] || ws[3] != win.Kernel[1] {
		return nil, unfit
	}
	size, ok := win.size(xs[1], xs[2])
	if !ok {
		return nil, unfit
	}
	g := geometry{Window: win, n: xs[3], c: xs[0], h: xs[1], w: xs[2], o: ws[0], oh: size[0], ow: size[1]}
	strips := g.forwardStrips()
	m, k := g.outputs(), g.channels()
	o := operation{name: "conv", shape: tensor.Shape{g.o, g.oh, g.ow, g.n}, run: func(y []float32, v [][]float32) {
		x, w, b := v[0], v[1], v[2]
		for group := range g.Groups {
			y, x, w, b := y[group*m*g.out():], x[group*k*g.in():], w[group*m*g.taps():], b[group*m:]
			for _, s := range strips {
				f32.Product(f32.Matrix{Data: y[s.dst:], Row: g.out()}, b, f32.Matrix{Data: w, Row: g.taps()}, x[s.src:], s.terms, m, s.n)
			}
		}
	}}
	o.diff = gradients{nil, g.weightGrad(), biasGrad}
	if inputGrad {
		o.diff[0] = g.inputGrad()
	}
	return apply(o, x, w, b)
}

// inputGrad is dx = sum over o and taps of w dy, where the tap reached x.
func (g geometry) inputGrad() func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
	return func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		strips, zeros := g.backwardStrips(), make([]float32, g.c)
		m, k := g.outputs(), g.channels()
		return apply(operation{name: "conv-dx", shape: tensor.Shape{g.c, g.h, g.w, g.n}, run: func(dx []float32, v [][]float32) {
			w, dy := v[0], v[1]
			for group := range g.Groups {
				dx, dy, w := dx[group*k*g.in():], dy[group*m*g.out():], w[group*m*g.taps():]
				for _, s := range strips {
					f32.Product(f32.Matrix{Data: dx[s.dst:], Row: g.in()}, zeros, f32.Matrix{Data: w, Row: g.area()}, dy[s.src:], s.terms, k, s.n)
				}
			}
		}}, inputs[1], dy)
	}
}

// weightGrad is dW = sum over pixels and images of dy x, row by row where pixels
// of the input are not next to each other.
func (g geometry) weightGrad() func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
	return func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		p := pad(g.Window, g.c, g.h, g.w, g.n, 0)
		height, width := p.height(), p.width()
		m, k := g.outputs(), g.channels()
		offsets := make([]int, 0, g.taps())
		for c := range k {
			for i := range g.Kernel[0] {
				for j := range g.Kernel[1] {
					offsets = append(offsets, ((c*height+i*g.Dilation[0])*width+j*g.Dilation[1])*g.n)
				}
			}
		}
		shape := tensor.Shape{g.o, k, g.Kernel[0], g.Kernel[1]}
		return apply(operation{name: "conv-dw", shape: shape, run: func(dw []float32, v [][]float32) {
			all := p.fill(v[0])
			clear(dw)
			row, below := g.ow*g.n, g.Stride[0]*width*g.n
			for group := range g.Groups {
				x, dy := all[group*k*height*width*g.n:], v[1][group*m*g.out():]
				dst := f32.Matrix{Data: dw[group*m*g.taps():], Row: g.taps()}
				if g.Stride[1] == 1 {
					f32.Dots(dst, f32.Runs{Data: dy, Step: row}, g.out(), f32.Runs{Data: x, Step: below}, offsets, m, row, g.oh)
					continue
				}
				for r := range g.oh {
					f32.Dots(dst, f32.Runs{Data: dy[r*row:], Step: g.n}, g.out(), f32.Runs{Data: x[r*below:], Step: g.Stride[1] * g.n}, offsets, m, g.n, g.ow)
				}
			}
		}}, inputs[0], dy)
	}
}
