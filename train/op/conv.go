package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
)

// geometry is the shape of a convolution: an input [c, h, w, n], an output
// [o, oh, ow, n], kernel k x k.
type geometry struct {
	n, c, h, w, o, oh, ow, k, stride, padding int
}

// taps are the weights of one output channel.
func (g geometry) taps() int { return g.c * g.k * g.k }

// in and out are the values of one channel of the input and of the output.
func (g geometry) in() int  { return g.h * g.w * g.n }
func (g geometry) out() int { return g.oh * g.ow * g.n }

// Conv2D is a cross-correlation with bias and zero padding: x [C, H, W, N],
// weight [O, C, K, K], bias [O], result [O, (H+2P-K)/S+1, (W+2P-K)/S+1, N].
//
// Nothing is unfolded: a run of neighbouring pixels, of all images, is a product
// of the weights with as many runs of the input as taps fall inside it. With
// inputGrad false no gradient flows to x.
func Conv2D(x, w, b *G.Node, stride, padding int, inputGrad bool) (*G.Node, error) {
	xs, ws, bs := x.Shape(), w.Shape(), b.Shape()
	if len(xs) != 4 || len(ws) != 4 || len(bs) != 1 || xs[0] != ws[1] || ws[0] != bs[0] || ws[2] != ws[3] || stride < 1 || padding < 0 ||
		ws[2] > xs[1]+2*padding || ws[2] > xs[2]+2*padding {
		return nil, fmt.Errorf("op conv: input %v, weight %v, bias %v, stride %d, padding %d do not fit", xs, ws, bs, stride, padding)
	}
	g := geometry{n: xs[3], c: xs[0], h: xs[1], w: xs[2], o: ws[0], k: ws[2], stride: stride, padding: padding}
	g.oh, g.ow = (g.h+2*padding-g.k)/stride+1, (g.w+2*padding-g.k)/stride+1
	strips := g.forwardStrips()
	o := operation{name: "conv", shape: tensor.Shape{g.o, g.oh, g.ow, g.n}, run: func(y []float32, v [][]float32) {
		x, w, b := v[0], v[1], v[2]
		for _, s := range strips {
			f32.Product(f32.Matrix{Data: y[s.dst:], Row: g.out()}, b, f32.Matrix{Data: w, Row: g.taps()}, x[s.src:], s.terms, g.o, s.n)
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
		return apply(operation{name: "conv-dx", shape: tensor.Shape{g.c, g.h, g.w, g.n}, run: func(dx []float32, v [][]float32) {
			w, dy := v[0], v[1]
			for _, s := range strips {
				f32.Product(f32.Matrix{Data: dx[s.dst:], Row: g.in()}, zeros, f32.Matrix{Data: w, Row: g.k * g.k}, dy[s.src:], s.terms, g.c, s.n)
			}
		}}, inputs[1], dy)
	}
}

// weightGrad is dW = sum over pixels and images of dy x, row by row where pixels
// of the input are not next to each other.
func (g geometry) weightGrad() func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
	return func(inputs G.Nodes, _, dy *G.Node) (*G.Node, error) {
		p := g.pad()
		height, width := g.h+2*g.padding, g.w+2*g.padding
		offsets := make([]int, 0, g.taps())
		for c := range g.c {
			for i := range g.k {
				for j := range g.k {
					offsets = append(offsets, ((c*height+i)*width+j)*g.n)
				}
			}
		}
		shape := tensor.Shape{g.o, g.c, g.k, g.k}
		return apply(operation{name: "conv-dw", shape: shape, run: func(dw []float32, v [][]float32) {
			x, dy := p.fill(v[0]), v[1]
			clear(dw)
			dst := f32.Matrix{Data: dw, Row: g.taps()}
			row, below := g.ow*g.n, g.stride*width*g.n
			if g.stride == 1 {
				f32.Dots(dst, f32.Runs{Data: dy, Step: row}, g.out(), f32.Runs{Data: x, Step: below}, offsets, g.o, row, g.oh)
				return
			}
			for r := range g.oh {
				f32.Dots(dst, f32.Runs{Data: dy[r*row:], Step: g.n}, g.out(), f32.Runs{Data: x[r*below:], Step: g.stride * g.n}, offsets, g.o, g.n, g.ow)
			}
		}}, inputs[0], dy)
	}
}

// padded is a copy of an input with zeros around it.
type padded struct {
	geometry
	data []float32 // nil: nothing to pad
}

func (g geometry) pad() *padded {
	p := &padded{geometry: g}
	if g.padding > 0 {
		p.data = make([]float32, g.c*(g.h+2*g.padding)*(g.w+2*g.padding)*g.n)
	}
	return p
}

// fill copies x between the zeros.
func (p *padded) fill(x []float32) []float32 {
	if p.data == nil {
		return x
	}
	row, wide := p.w*p.n, (p.w+2*p.padding)*p.n
	for c := range p.c {
		for y := range p.h {
			at := (c*(p.h+2*p.padding)+y+p.padding)*wide + p.padding*p.n
			copy(p.data[at:at+row], x[(c*p.h+y)*row:])
		}
	}
	return p.data
}
