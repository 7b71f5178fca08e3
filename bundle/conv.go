package bundle

import "fmt"

// Conv2D is a cross-correlation over a [Channels, H, W] input with a weight of
// [Outputs, Channels/Groups, Kernel[0], Kernel[1]] and zero padding:
//
//	out[o,y,x] = Bias[o] + sum_{c,i,j} W[o,c,i,j] in[g(o) Channels/Groups + c,
//	    y Stride[0] + i Dilation[0] - Padding[0], x Stride[1] + j Dilation[1] - Padding[1]]
//	g(o) = o / (Outputs/Groups), rounded down
//
// Padding is top, left, bottom, right. A Dilation of 0 and Groups of 0 mean 1.
// The result is exact.
type Conv2D struct {
	Outputs, Channels int
	Kernel            Pair
	Stride            Pair
	Padding           Sides
	Dilation          Pair
	Groups            int
	Weight            []int32
	Bias              Vec
}

func (c *Conv2D) kind() Kind { return KindConv2D }

// groups is Groups, at least 1.
func (c *Conv2D) groups() int {
	if c.Groups == 0 {
		return 1
	}
	return c.Groups
}

func (c *Conv2D) window() *window {
	w := &window{kernel: c.Kernel, stride: c.Stride, dilation: c.Dilation, padding: c.Padding}
	for d, n := range w.dilation {
		if n == 0 {
			w.dilation[d] = 1
		}
	}
	return w
}

func (c *Conv2D) parameters() ([]int32, []int, Vec) {
	return c.Weight, []int{c.Outputs, c.Channels / c.groups(), c.Kernel[0], c.Kernel[1]}, c.Bias
}

// OutShape is [Outputs, H', W'] with
//
//	H' = (H + top + bottom - Dilation[0] (Kernel[0]-1) - 1) / Stride[0] + 1
//
// and W' likewise, rounded down.
func (c *Conv2D) OutShape(in ...[]int) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	if len(shape) != 3 || shape[0] != c.Channels {
		return nil, fmt.Errorf("conv2d of %d channels on shape %v", c.Channels, shape)
	}
	if g := c.groups(); g < 1 || c.Channels%g != 0 || c.Outputs%g != 0 {
		return nil, fmt.Errorf("groups %d do not divide %d input channels and %d outputs", c.Groups, c.Channels, c.Outputs)
	}
	if err := checkParameters(c); err != nil {
		return nil, err
	}
	return c.window().outShape(shape, c.Outputs)
}

// Rows lowers the layer; see Linear. Taps in the padding are left out.
func (c *Conv2D) Rows(in ...[]int) *Rows {
	shape := in[0]
	out, _ := c.OutShape(shape)
	h, w := shape[1], shape[2]
	win, kernel := c.window(), c.Kernel[0]*c.Kernel[1]
	inputs, outputs := c.Channels/c.groups(), c.Outputs/c.groups()
	b := newRowBuilder(shape[0]*h*w, out[0]*out[1]*out[2], out[1]*out[2]*len(c.Weight))
	b.r.Bias = c.Bias.repeat(out[1] * out[2])
	for o := range out[0] {
		first := o / outputs * inputs
		for y := range out[1] {
			for x := range out[2] {
				for ch := range inputs {
					weight, plane := c.Weight[(o*inputs+ch)*kernel:][:kernel], (first+ch)*h*w
					win.taps(y, x, h, w, func(i, j, at int) { b.add(plane+at, weight[i*c.Kernel[1]+j]) })
				}
				b.end()
			}
		}
	}
	return b.rows()
}

func (c *Conv2D) apply(in Vec, shapes [][]int) Vec        { return c.Rows(shapes...).apply(in) }
func (c *Conv2D) bounds(in Bounds, shapes [][]int) Bounds { return c.Rows(shapes...).bounds(in) }
