package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
)

// Pool sums the windows of x [C, H, W, N], in which padding counts as 0, and
// multiplies by factor: 1 over the kernel's area makes it an average pool, 1 the sum
// that integers need. Dilation and Groups of the window are not used.
func Pool(x *G.Node, win Window, factor float32) (*G.Node, error) {
	win.Dilation, win.Groups = [2]int{1, 1}, 1
	xs := x.Shape()
	unfit := fmt.Errorf("op pool: input %v, window %+v do not fit", xs, win)
	if len(xs) != 4 {
		return nil, unfit
	}
	size, ok := win.size(xs[1], xs[2])
	if !ok {
		return nil, unfit
	}
	planes, n, oh, ow := xs[0], xs[3], size[0], size[1]
	p := pad(win, planes, xs[1], xs[2], n, 0)
	h, w := p.height(), p.width()
	var offsets []int
	for i := range win.Kernel[0] {
		for j := range win.Kernel[1] {
			offsets = append(offsets, (i*w+j)*n)
		}
	}
	// rows calls f with each row of the output and the input's rows below it.
	rows := func(out, in []float32, f func(out, in f32.Runs)) {
		for p := range planes {
			for r := range oh {
				f(f32.Runs{Data: out[(p*oh+r)*ow*n:], Step: n}, f32.Runs{Data: in[(p*h+r*win.Stride[0])*w*n:], Step: win.Stride[1] * n})
			}
		}
	}
	overlap, gaps := false, false
	for d, size := range [2]int{h, w} {
		k, stride := win.Kernel[d], win.Stride[d]
		overlap = overlap || k > stride
		gaps = gaps || k < stride || size%stride != 0
	}
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
		room := pad(win, planes, xs[1], xs[2], n, 0)
		return apply(operation{name: "pool-dx", shape: xs.Clone(), run: func(dx []float32, v [][]float32) {
			in := dx
			if room.data != nil {
				in = room.data
			}
			if overlap || gaps {
				clear(in)
			}
			rows(v[0], in, func(dy, dx f32.Runs) { f32.PoolGrad(dx, dy, offsets, n, ow, factor, overlap) })
			if room.data != nil {
				room.crop(dx)
			}
		}}, dy)
	}
	return apply(operation{name: "pool", shape: tensor.Shape{planes, oh, ow, n}, diff: gradients{grad},
		run: func(y []float32, v [][]float32) {
			rows(y, p.fill(v[0]), func(y, x f32.Runs) { f32.Pool(y, x, offsets, n, ow, factor) })
		}}, x)
}

// Flatten copies x [C, ..., N] to shape [rest, N].
func Flatten(x *G.Node) (*G.Node, error) {
	shape := x.Shape().Clone()
	copyTo := func(name string, to tensor.Shape, from *G.Node, diff gradients) (*G.Node, error) {
		return apply(operation{name: name, shape: to, diff: diff, run: func(y []float32, v [][]float32) { copy(y, v[0]) }}, from)
	}
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) { return copyTo("flatten-dx", shape, dy, nil) }
	n := shape[len(shape)-1]
	return copyTo("flatten", tensor.Shape{shape.TotalSize() / n, n}, x, gradients{grad})
}
