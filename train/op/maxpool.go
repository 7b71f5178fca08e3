package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// MaxPool is the largest value in each window of x [C, H, W, N]; padding takes no
// part. The gradient goes to that value, of equal ones to the first in row-major
// order. Dilation and Groups of the window are not used.
func MaxPool(x *G.Node, win Window) (*G.Node, error) {
	win.Dilation, win.Groups = [2]int{1, 1}, 1
	xs := x.Shape()
	unfit := fmt.Errorf("op maxpool: input %v, window %+v do not fit", xs, win)
	if len(xs) != 4 {
		return nil, unfit
	}
	size, ok := win.size(xs[1], xs[2])
	for d, k := range win.Kernel {
		ok = ok && win.Before[d] < k && win.After[d] < k // every window has a pixel
	}
	if !ok {
		return nil, unfit
	}
	planes, h, w, n := xs[0], xs[1], xs[2], xs[3]
	shape := tensor.Shape{planes, size[0], size[1], n}
	chosen := make([]int32, shape.TotalSize()) // the pixel of each maximum, of the last run
	run := func(y []float32, v [][]float32) {
		x, at := v[0], 0
		for p := range planes {
			for r := range size[0] {
				for c := range size[1] {
					win.largest(y[at:at+n], chosen[at:at+n], x[p*h*w*n:(p+1)*h*w*n], r, c, h, w)
					at += n
				}
			}
		}
	}
	// y is an input of the gradient, to make it wait for the choice.
	grad := func(_ G.Nodes, y, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "maxpool-dx", shape: xs.Clone(), run: func(dx []float32, v [][]float32) {
			clear(dx)
			dy := v[1]
			plane := size[0] * size[1] * n
			for i, pixel := range chosen {
				dx[(i/plane*h*w+int(pixel))*n+i%n] += dy[i]
			}
		}}, y, dy)
	}
	return apply(operation{name: "maxpool", shape: shape, diff: gradients{grad}, run: run}, x)
}

// largest writes the maxima, an image each, of the window at output (r, c) on a
// plane of h x w pixels, and which pixel they are.
func (w Window) largest(y []float32, chosen []int32, plane []float32, r, c, h, wide int) {
	n := len(y)
	first := true
	for i := range w.Kernel[0] {
		row := r*w.Stride[0] + i - w.Before[0]
		if row < 0 || row >= h {
			continue
		}
		for j := range w.Kernel[1] {
			column := c*w.Stride[1] + j - w.Before[1]
			if column < 0 || column >= wide {
				continue
			}
			pixel := row*wide + column
			x := plane[pixel*n : (pixel+1)*n]
			for k, v := range x {
				if first || v > y[k] {
					y[k], chosen[k] = v, int32(pixel)
				}
			}
			first = false
		}
	}
}
