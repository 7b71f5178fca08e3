package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
)

// Pool sums k x k windows, stride apart, of x [C, H, W, N] and multiplies by
// factor: 1/k^2 makes it an average pool, 1 the sum that integers need.
func Pool(x *G.Node, k, stride int, factor float32) (*G.Node, error) {
	xs := x.Shape()
	if len(xs) != 4 || k < 1 || k > xs[1] || k > xs[2] || stride < 1 {
		return nil, fmt.Errorf("op pool: input %v, kernel %d, stride %d do not fit", xs, k, stride)
	}
	planes, h, w, n := xs[0], xs[1], xs[2], xs[3]
	oh, ow := (h-k)/stride+1, (w-k)/stride+1
	var offsets []int
	for i := range k {
		for j := range k {
			offsets = append(offsets, (i*w+j)*n)
		}
	}
	// rows calls f with each row of the output and the input's rows below it.
	rows := func(out, in []float32, f func(out, in f32.Runs)) {
		for p := range planes {
			for r := range oh {
				f(f32.Runs{Data: out[(p*oh+r)*ow*n:], Step: n}, f32.Runs{Data: in[(p*h+r*stride)*w*n:], Step: stride * n})
			}
		}
	}
	overlap := k > stride
	gaps := k < stride || h%stride != 0 || w%stride != 0
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "pool-dx", shape: xs.Clone(), run: func(dx []float32, v [][]float32) {
			if overlap || gaps {
				clear(dx)
			}
			rows(v[0], dx, func(dy, dx f32.Runs) { f32.PoolGrad(dx, dy, offsets, n, ow, factor, overlap) })
		}}, dy)
	}
	return apply(operation{name: "pool", shape: tensor.Shape{planes, oh, ow, n}, diff: gradients{grad},
		run: func(y []float32, v [][]float32) {
			rows(y, v[0], func(y, x f32.Runs) { f32.Pool(y, x, offsets, n, ow, factor) })
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
