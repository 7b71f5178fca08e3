package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Pool sums k x k windows, stride apart, of x [N, C, H, W] and multiplies by
// factor: 1/k^2 makes it an average pool, 1 the sum that integers need.
func Pool(x *G.Node, k, stride int, factor float32) (*G.Node, error) {
	xs := x.Shape()
	if len(xs) != 4 || k < 1 || k > xs[2] || k > xs[3] || stride < 1 {
		return nil, fmt.Errorf("op pool: input %v, kernel %d, stride %d do not fit", xs, k, stride)
	}
	planes, h, w := xs[0]*xs[1], xs[2], xs[3]
	oh, ow := (h-k)/stride+1, (w-k)/stride+1
	// windows calls f with each output index and its window's first input index.
	windows := func(f func(out, in int)) {
		for p := range planes {
			for r := range oh {
				for c := range ow {
					f((p*oh+r)*ow+c, (p*h+r*stride)*w+c*stride)
				}
			}
		}
	}
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "pool-dx", shape: xs.Clone(), run: func(dx []float32, v [][]float32) {
			dy := v[0]
			clear(dx)
			windows(func(out, in int) {
				g := dy[out] * factor
				for i := range k {
					row := dx[in+i*w : in+i*w+k]
					for j := range row {
						row[j] += g
					}
				}
			})
		}}, dy)
	}
	return apply(operation{name: "pool", shape: tensor.Shape{xs[0], xs[1], oh, ow}, diff: gradients{grad},
		run: func(y []float32, v [][]float32) {
			x := v[0]
			windows(func(out, in int) {
				var s float32
				for i := range k {
					for _, a := range x[in+i*w : in+i*w+k] {
						s += a
					}
				}
				y[out] = s * factor
			})
		}}, x)
}

// Flatten copies x [N, ...] to shape [N, rest].
func Flatten(x *G.Node) (*G.Node, error) {
	shape := x.Shape().Clone()
	copyTo := func(name string, to tensor.Shape, from *G.Node, diff gradients) (*G.Node, error) {
		return apply(operation{name: name, shape: to, diff: diff, run: func(y []float32, v [][]float32) { copy(y, v[0]) }}, from)
	}
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) { return copyTo("flatten-dx", shape, dy, nil) }
	return copyTo("flatten", tensor.Shape{shape[0], shape.TotalSize() / shape[0]}, x, gradients{grad})
}
