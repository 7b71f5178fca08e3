package model

import (
	"fmt"
	"math"
)

// Window is how a convolution or a pool goes over a picture, with every default
// filled in. The index is 0 for the height and 1 for the width: output position p
// meets the inputs
//
//	p*Stride[d] + t*Dilation[d] - Before[d],   t = 0..Kernel[d]-1
//
// of which those outside the picture are padding.
type Window struct {
	Kernel, Stride, Dilation Pair
	Before, After            Pair // zeros on the top and left, on the bottom and right
	Groups                   int
}

// Window is the layer's window on an input of shape in, which Network.Shapes has
// accepted.
func (l Layer) Window(in []int) Window {
	w, _, _ := l.window(in)
	return w
}

// Area is how many positions the kernel has.
func (w Window) Area() int { return w.Kernel[0] * w.Kernel[1] }

// Padded reports whether there is padding.
func (w Window) Padded() bool { return w.Before != Pair{} || w.After != Pair{} }

// window resolves the layer's window and the size of its output.
func (l Layer) window(in []int) (w Window, out Pair, err error) {
	if len(in) != 3 {
		return w, out, fmt.Errorf("input shape %v, want [channels, height, width]", in)
	}
	w = Window{Kernel: l.Kernel, Stride: l.Steps(), Dilation: l.Dilation, Groups: max(l.Groups, 1)}
	if l.Type.global() {
		w.Kernel, w.Stride = Pair{in[1], in[2]}, Both(1)
	}
	for d := range 2 {
		if w.Dilation[d] == 0 {
			w.Dilation[d] = 1
		}
	}
	sides := [2]Pair{{l.Padding.Top, l.Padding.Left}, {l.Padding.Bottom, l.Padding.Right}}
	for d, size := range in[1:] {
		k, s, dilation := w.Kernel[d], w.Stride[d], w.Dilation[d]
		if dilation < 1 || dilation > MaxDimension {
			return w, out, fmt.Errorf("dilation %d is outside 1..%d", dilation, MaxDimension)
		}
		if s < 1 || s > MaxDimension {
			return w, out, fmt.Errorf("stride %d is outside 1..%d", s, MaxDimension)
		}
		if k < 1 || k > math.MaxInt/4/MaxDimension {
			return w, out, fmt.Errorf("kernel %d is outside 1..%d, the padded size of input %v", k, size, in)
		}
		reach := (k-1)*dilation + 1 // of the input, from the first tap to the last
		if l.Padding.Same {
			zeros := max(((size-1)/s)*s+reach-size, 0)
			sides[0][d], sides[1][d] = zeros/2, zeros-zeros/2
		}
		for _, side := range sides {
			if p := side[d]; p < 0 || p > 0 && p >= reach {
				return w, out, fmt.Errorf("padding %d is outside 0..%d for kernel %d", p, reach-1, k)
			}
		}
		padded := size + sides[0][d] + sides[1][d]
		if reach > padded {
			if dilation > 1 {
				return w, out, fmt.Errorf("kernel %d with dilation %d reaches over %d values, the padded size of input %v is %d", k, dilation, reach, in, padded)
			}
			return w, out, fmt.Errorf("kernel %d is outside 1..%d, the padded size of input %v", k, padded, in)
		}
		out[d] = (padded-reach)/s + 1
	}
	w.Before, w.After = sides[0], sides[1]
	return w, out, nil
}

// taps calls f for each tap of output (y, x) that lies inside a picture of h rows
// and wide columns, in row-major order: tap is its place in the kernel, at that in
// the picture.
func (w Window) taps(y, x, h, wide int, f func(tap, at int)) {
	for i := range w.Kernel[0] {
		r := y*w.Stride[0] + i*w.Dilation[0] - w.Before[0]
		if r < 0 || r >= h {
			continue
		}
		for j := range w.Kernel[1] {
			if c := x*w.Stride[1] + j*w.Dilation[1] - w.Before[1]; c >= 0 && c < wide {
				f(i*w.Kernel[1]+j, r*wide+c)
			}
		}
	}
}
